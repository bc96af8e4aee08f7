# Detection of a remediation, as the user who is logged on: 1 has remediate.ps1 run.
& 'C:\Program Files\msipcfg\msipcfg.exe' detect 'C:\Program Files\msipcfg\phone.toml' --style intune-remediation --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
