# Detection of install.cmd, as SYSTEM: prints a line and exits with 0 if there is nothing left to do.
$json = & 'C:\Program Files\msipcfg\msipcfg.exe' apply 'C:\Program Files\msipcfg\phone.toml' --all-users --users '\\server\phones\users.csv' --create --dry-run --json
if ($LASTEXITCODE -ne 0) { exit 1 }
if (-not ($json | ConvertFrom-Json).changed) { 'in state' }
exit 0
