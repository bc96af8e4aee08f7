@echo off
rem Applies phone.toml for the user who logs on, without administrator rights.
setlocal
set "FROM=%ProgramFiles%\msipcfg"
if defined ProgramW6432 set "FROM=%ProgramW6432%\msipcfg"
set "LOGS=%LOCALAPPDATA%\msipcfg"
if not exist "%LOGS%" mkdir "%LOGS%"
if not exist "%FROM%\msipcfg.exe" exit /b 1
"%FROM%\msipcfg.exe" apply "%FROM%\phone.toml" --vars "\\server\phones\%USERNAME%.toml" --create --no-input --timeout 2m --exit-codes windows >>"%LOGS%\apply.log" 2>&1
exit /b %ERRORLEVEL%
