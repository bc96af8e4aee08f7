# Detection of a remediation, as the user who is logged on. If it exits with 1, Intune runs remediate.ps1.
& 'C:\Program Files\msipcfg\msipcfg.exe' detect 'C:\Program Files\msipcfg\phone.toml' --style intune-remediation --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
