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
"%FROM%\msipcfg.exe" uninstall --all-users --yes --timeout 2m --exit-codes windows >>"%LOGS%\apply.log" 2>&1
if not %ERRORLEVEL%==0 exit /b %ERRORLEVEL%
rem The installed version may be another than that of msipcfg.msi, so its product code is read from the list of programs.
set "PRODUCT=%~dp0msipcfg.msi"
set "LIST=HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
for /f "delims=" %%K in ('reg query "%LIST%" /reg:64 /s /f msipcfg /d /e 2^>nul ^| find "{"') do set "PRODUCT=%%~nxK"
start "" /wait msiexec /x "%PRODUCT%" /qn /norestart /l*v "%LOGS%\uninstall.log"
set "REMOVED=%ERRORLEVEL%"
if not %REMOVED%==0 if not %REMOVED%==3010 exit /b %REMOVED%
del "%FROM%\phone.toml" 2>nul
rmdir "%FROM%" 2>nul
exit /b %REMOVED%
