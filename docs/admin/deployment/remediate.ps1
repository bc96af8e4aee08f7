# Remediation for Intune and ConfigMgr, as the user who is logged on.
$exe = Join-Path $env:ProgramW6432 'msipcfg\msipcfg.exe'
$state = Join-Path $env:ProgramW6432 'msipcfg\phone.toml'
if (-not (Test-Path -LiteralPath $exe)) { 'msipcfg is not installed'; exit 1 }
# Warnings are printed too, but not to standard error, because tools take that for a failure.
& $exe apply $state --vars "\\server\phones\${env:USERNAME}.toml" --create --no-input --timeout 2m 2>&1 | ForEach-Object { "$_" }
exit $LASTEXITCODE
