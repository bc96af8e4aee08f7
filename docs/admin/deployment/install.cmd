@echo off
rem For all users of this PC. Runs as SYSTEM. msipcfg.exe and phone.toml are next to this file.
setlocal
set "TO=C:\Program Files\msipcfg"
if not exist "%TO%" mkdir "%TO%"
copy /y "%~dp0msipcfg.exe" "%TO%" >nul
if errorlevel 1 exit /b 1
copy /y "%~dp0phone.toml" "%TO%" >nul
if errorlevel 1 exit /b 1
"%TO%\msipcfg.exe" apply "%TO%\phone.toml" --all-users --users "\\server\phones\users.csv" --create --timeout 2m --exit-codes windows --report "%TO%\apply.jsonl" >>"%TO%\apply.log" 2>&1
exit /b %ERRORLEVEL%
