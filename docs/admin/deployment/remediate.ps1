# Remediation, as the user who is logged on.
& 'C:\Program Files\msipcfg\msipcfg.exe' apply 'C:\Program Files\msipcfg\phone.toml' --vars "\\server\phones\${env:USERNAME}.toml" --create --no-input --timeout 2m
exit $LASTEXITCODE
