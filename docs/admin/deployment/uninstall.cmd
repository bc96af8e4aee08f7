@echo off
rem Undoes install.cmd for all users of this PC. Runs as SYSTEM. remove.toml is next to this file.
setlocal
set "TO=C:\Program Files\msipcfg"
"%TO%\msipcfg.exe" apply "%~dp0remove.toml" --all-users --keep-backups 0 --timeout 2m --exit-codes windows >>"%TO%\apply.log" 2>&1
if %ERRORLEVEL% neq 0 exit /b %ERRORLEVEL%
rmdir /s /q "%TO%"
exit /b 0
