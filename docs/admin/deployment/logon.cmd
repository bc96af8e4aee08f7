@echo off
rem For the user who logs on, without administrator rights. msipcfg.exe and phone.toml are in C:\Program Files\msipcfg.
setlocal
set "FROM=C:\Program Files\msipcfg"
set "LOG=%LOCALAPPDATA%\msipcfg"
if not exist "%LOG%" mkdir "%LOG%"
"%FROM%\msipcfg.exe" apply "%FROM%\phone.toml" --vars "\\server\phones\%USERNAME%.toml" --create --no-input --timeout 2m --exit-codes windows >>"%LOG%\apply.log" 2>&1
exit /b %ERRORLEVEL%
