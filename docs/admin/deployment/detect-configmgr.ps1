# Discovery script of a ConfigMgr configuration item, as the user who is logged on: prints Compliant or NonCompliant.
$exe = Join-Path $env:ProgramW6432 'msipcfg\msipcfg.exe'
$state = Join-Path $env:ProgramW6432 'msipcfg\phone.toml'
# For ConfigMgr, any other exit status means that discovery failed.
if (-not (Test-Path -LiteralPath $exe)) { exit 0 }
& $exe detect $state --style configmgr --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
