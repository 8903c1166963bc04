@echo off
rem Installs the agent of a store (install.ps1, beside this file). Uninstall: instalar.cmd -Uninstall
setlocal
chcp 65001 >nul
rem A .cmd that is opened inside a .zip is unpacked alone, without the files beside it.
if not exist "%~dp0install.ps1" goto packed
if not exist "%~dp0shipper.pyz" goto packed
"%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass -File "%~dp0install.ps1" %*
set code=%errorlevel%
goto end
:packed
echo Extraia o arquivo .zip inteiro primeiro: botão direito no .zip, "Extrair tudo", e abra o instalar.cmd da pasta extraída.
echo Extract the whole .zip first: right click on it, "Extract all", then open instalar.cmd in the extracted folder.
set code=1
:end
pause
exit /b %code%
