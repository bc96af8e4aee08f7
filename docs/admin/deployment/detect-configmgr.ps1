# Discovery script of a configuration item, as the user who is logged on: prints Compliant or NonCompliant.
& 'C:\Program Files\msipcfg\msipcfg.exe' detect 'C:\Program Files\msipcfg\phone.toml' --style configmgr --vars "\\server\phones\${env:USERNAME}.toml"
exit $LASTEXITCODE
