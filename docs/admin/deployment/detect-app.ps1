# Detection of logon.cmd, as the user who is logged on.
& 'C:\Program Files\msipcfg\msipcfg.exe' detect 'C:\Program Files\msipcfg\phone.toml' --style intune-app --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
