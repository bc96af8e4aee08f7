@echo off
rem Installs msipcfg and applies phone.toml for all users of this PC. Runs as SYSTEM. msipcfg.msi and phone.toml are next
rem to this file.
setlocal
rem In a 32-bit process, ProgramFiles is the folder of 32-bit programs.
set "TO=%ProgramFiles%\msipcfg"
if defined ProgramW6432 set "TO=%ProgramW6432%\msipcfg"
set "LOGS=%SystemRoot%\Logs\msipcfg"
if not exist "%LOGS%" mkdir "%LOGS%"
start "" /wait msiexec /i "%~dp0msipcfg.msi" /qn /norestart /l*v "%LOGS%\install.log"
set "INSTALLED=%ERRORLEVEL%"
rem 3010 and 1641 are success: Windows must be restarted, or is being restarted.
if not %INSTALLED%==0 if not %INSTALLED%==3010 if not %INSTALLED%==1641 exit /b %INSTALLED%
copy /y "%~dp0phone.toml" "%TO%\phone.toml" >nul
if not %ERRORLEVEL%==0 exit /b 1
"%TO%\msipcfg.exe" apply "%TO%\phone.toml" --all-users --users "\\server\phones\users.csv" --create --timeout 2m --exit-codes windows --report "\\server\reports\%COMPUTERNAME%.jsonl" >>"%LOGS%\apply.log" 2>&1
if not %ERRORLEVEL%==0 exit /b %ERRORLEVEL%
exit /b %INSTALLED%
