# Detection of install.cmd, as SYSTEM: prints a line and exits with 0 if there is nothing left to do.
$json = & 'C:\Program Files\msipcfg\msipcfg.exe' apply 'C:\Program Files\msipcfg\phone.toml' --all-users --users '\\server\phones\users.csv' --create --dry-run --json
if ($LASTEXITCODE -ne 0) { exit 1 }
$result = $json | ConvertFrom-Json
# A warning says that no user in the table has a profile on this PC.
if (-not $result.changed -and -not $result.warnings) { 'in state' }
exit 0
