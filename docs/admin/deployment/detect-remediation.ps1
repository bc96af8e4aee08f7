# Detection of a remediation, as the user who is logged on. If it doesn't exit with 0, Intune runs remediate.ps1.
$exe = Join-Path $env:ProgramW6432 'msipcfg\msipcfg.exe'
$state = Join-Path $env:ProgramW6432 'msipcfg\phone.toml'
# PowerShell only reports a missing program and then exits with 0.
if (-not (Test-Path -LiteralPath $exe)) { 'msipcfg is not installed'; exit 1 }
& $exe detect $state --style intune-remediation --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
