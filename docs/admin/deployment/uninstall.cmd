@echo off
rem Undoes install.cmd for all users of this PC. Runs as SYSTEM. msipcfg.msi and remove.toml are next to this file.
setlocal
set "FROM=%ProgramFiles%\msipcfg"
if defined ProgramW6432 set "FROM=%ProgramW6432%\msipcfg"
set "LOGS=%SystemRoot%\Logs\msipcfg"
if not exist "%LOGS%" mkdir "%LOGS%"
if not exist "%FROM%\msipcfg.exe" exit /b 0
"%FROM%\msipcfg.exe" apply "%~dp0remove.toml" --all-users --keep-backups 0 --timeout 2m --exit-codes windows >>"%LOGS%\apply.log" 2>&1
if not %ERRORLEVEL%==0 exit /b %ERRORLEVEL%
rem Every user's hooks, backups and data, which the installer doesn't know.
"%FROM%\msipcfg.exe" uninstall --all-users --yes >>"%LOGS%\apply.log" 2>&1
rem 5: MicroSIP is running. 1618 means "try again later".
if %ERRORLEVEL%==5 exit /b 1618
if not %ERRORLEVEL%==0 exit /b %ERRORLEVEL%
del "%FROM%\phone.toml" 2>nul
start "" /wait msiexec /x "%~dp0msipcfg.msi" /qn /norestart /l*v "%LOGS%\uninstall.log"
exit /b %ERRORLEVEL%
