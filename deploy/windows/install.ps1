<#
Installs the agent of a store on its Windows 11 PC: finds the WSL distribution with FreePBX, runs the Linux
installer in it, and registers a scheduled task that starts the distribution and the agent and holds both awake,
whether somebody is logged on or not. Started by instalar.cmd; -Uninstall takes all of it away again.

Written for Windows PowerShell 5.1. It is thin: what can be decided on the Linux side is decided there.
Run it as the Windows user to whom the distribution belongs: WSL shows nobody else's. Only the task's registration
needs an administrator; for that part the script starts itself once more and Windows asks.
Exit codes: 0 done, 1 something is in the way (told on the screen), else the Linux installer's own.
#>
[CmdletBinding()]
param(
    [string]$Distribution = '',
    [switch]$Uninstall,
    [switch]$DryRun,
    [switch]$Yes,
    [switch]$StorePassword,
    [switch]$Replace,
    [switch]$NoDatabase,
    [switch]$NoAmi,
    [ValidateSet('pt-BR', 'en')][string]$Language,
    # The two below are for the part that runs as administrator; nobody types them.
    [ValidateSet('Register', 'Remove')][string]$TaskStep,
    [string]$UserSid = ''
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$TaskName = 'pabx-shipper'
# Raised whenever the task below changes: a PC with an older one then gets the new one.
$TaskRevision = 1
$Launcher = '/usr/local/bin/shipper'
# Session 0, where a task runs while nobody is logged on, answers only to this one of the two wsl.exe (docs/windows.md).
$NewWsl = Join-Path $env:ProgramFiles 'WSL\wsl.exe'
$OldWsl = Join-Path $env:SystemRoot 'System32\wsl.exe'
# wsl.exe writes UTF-16 unless told otherwise; older ones do not listen, so names are cleaned as well.
$env:WSL_UTF8 = '1'

$Words = @{
    'pt-BR' = @{
        Extract      = 'Falta o arquivo {0}. Extraia o arquivo .zip inteiro primeiro: botão direito no .zip, "Extrair tudo", e abra o instalar.cmd da pasta extraída.'
        NoWsl        = 'Este computador não tem o WSL (Subsistema do Windows para Linux). O FreePBX da loja roda nele: confira se este é o computador certo.'
        NoNames      = 'O usuário {0} do Windows não tem nenhuma distribuição do WSL. Cada distribuição pertence a um usuário: entre no Windows com o usuário que instalou o FreePBX e abra o instalar.cmd com dois cliques, sem "Executar como administrador".'
        NotThere     = 'Não existe a distribuição {0}. As deste usuário: {1}.'
        NoFreePbx    = 'Nenhuma distribuição deste usuário tem o FreePBX (a pasta /etc/asterisk). Procurei em: {0}. Se o FreePBX está em uma delas, diga em qual: instalar.cmd -Distribution NOME'
        Several      = 'Mais de uma distribuição serve: {0}. Diga qual: instalar.cmd -Distribution NOME'
        NoPython     = 'A distribuição {0} não tem Python. Instale dentro dela, "apt install python3" (precisa ser 3.11 ou mais novo), e abra o instalar.cmd de novo.'
        NotVisible   = 'O Linux da distribuição {0} não enxerga a pasta {1}. Copie a pasta para o disco C: (por exemplo C:\pabx) e abra o instalar.cmd dela. Se ela já está no C:, veja [automount] em /etc/wsl.conf.'
        NoStart      = 'A distribuição {0} não liga (código {1}). Para ver o motivo: wsl -d {0}'
        Using        = 'Distribuição do WSL: {0}. Instalando dentro dela.'
        LinuxFailed  = 'A parte no Linux parou com o código {0}; o motivo está acima. No Windows nada foi mudado. Corrija e repita: continua de onde parou.'
        Declined     = 'Nada foi mudado no Windows.'
        TaskThere    = 'A tarefa {0} do Agendador já está certa.'
        WouldTask    = 'A tarefa {0} do Agendador seria registrada para o usuário {1}: ao ligar o computador, a cada 5 minutos e ao voltar da suspensão. Ela mantém a distribuição {2} e o agente ligados.'
        WouldRemove  = 'A tarefa {0} do Agendador seria removida.'
        AskAdmin     = 'Agora o Windows pede permissão de administrador, para a tarefa {0} do Agendador. Responda "Sim".'
        Refused      = 'A permissão de administrador foi negada: no Agendador de Tarefas nada foi mudado. Repita e responda "Sim".'
        TaskFailed   = 'A tarefa {0} do Agendador não ficou funcionando; o motivo está acima ou na outra janela. O agente está instalado, mas pode parar quando ninguém estiver usando o computador.'
        TaskStays    = 'A tarefa {0} do Agendador não foi removida; o motivo está acima ou na outra janela.'
        Password     = 'Senha do Windows deste usuário (a senha, não o PIN)'
        Registered   = 'Tarefa {0} registrada. Conferindo se ela liga...'
        Running      = 'A tarefa está funcionando.'
        NotRunning   = 'A tarefa foi registrada, mas não continua funcionando. Último resultado: {0}.'
        BatchRight   = 'O usuário {0} não tem o direito "Fazer logon como um trabalho em lotes". Em secpol.msc, Políticas locais, Atribuição de direitos de usuário, acrescente o usuário; depois abra o instalar.cmd de novo.'
        BadPassword  = 'A senha guardada para o usuário {0} não serve. Abra de novo: instalar.cmd -StorePassword'
        UpdateWsl    = 'O WSL deste computador é antigo e pode não ligar sem alguém no Windows. Atualize: "wsl --update" em um PowerShell, e abra o instalar.cmd de novo.'
        TryPassword  = 'Tente guardando a senha do usuário {0}: instalar.cmd -StorePassword'
        Failed       = 'Não deu certo: {0}'
        Enter        = 'Aperte Enter para fechar'
        Removed      = 'Tarefa {0} removida do Agendador.'
        NotInstalled = 'Nenhuma distribuição deste usuário tem o agente instalado.'
        Gone         = 'Pronto: o agente foi removido deste computador.'
        Done         = 'Pronto. O agente liga com o computador e fica ligado. Apague agora o .zip e esta pasta: quem os tem pode enviar dados como se fosse esta loja.'
        DryRunDone   = 'Foi só uma simulação: nada foi mudado.'
    }
    'en'    = @{
        Extract      = 'The file {0} is missing. Extract the whole .zip first: right click on it, "Extract all", then open instalar.cmd in the extracted folder.'
        NoWsl        = 'This computer has no WSL (Windows Subsystem for Linux). The FreePBX of a store runs in it: check whether this is the right computer.'
        NoNames      = 'The Windows user {0} has no WSL distribution. A distribution belongs to one user: log on as the one who installed FreePBX and open instalar.cmd by double click, without "Run as administrator".'
        NotThere     = 'There is no distribution {0}. This user has: {1}.'
        NoFreePbx    = 'No distribution of this user has FreePBX (the folder /etc/asterisk). Looked in: {0}. If one of them has it, name it: instalar.cmd -Distribution NAME'
        Several      = 'More than one distribution would do: {0}. Name one: instalar.cmd -Distribution NAME'
        NoPython     = 'The distribution {0} has no Python. Install it there, "apt install python3" (3.11 or newer is needed), then open instalar.cmd again.'
        NotVisible   = 'Linux in the distribution {0} does not see the folder {1}. Copy the folder to drive C: (C:\pabx, say) and open instalar.cmd there. If it is on C: already, look at [automount] in /etc/wsl.conf.'
        NoStart      = 'The distribution {0} does not start (code {1}). To see why: wsl -d {0}'
        Using        = 'WSL distribution: {0}. Installing in it.'
        LinuxFailed  = 'The part in Linux stopped with code {0}; the reason stands above. Nothing was changed in Windows. Mend it and do it again: it goes on from there.'
        Declined     = 'Nothing was changed in Windows.'
        TaskThere    = 'The scheduled task {0} is as it should be.'
        WouldTask    = 'The scheduled task {0} would be registered for the user {1}: at startup, every 5 minutes and after sleep. It holds the distribution {2} and the agent awake.'
        WouldRemove  = 'The scheduled task {0} would be removed.'
        AskAdmin     = 'Now Windows asks for an administrator, for the scheduled task {0}. Answer "Yes".'
        Refused      = 'The administrator was refused: nothing was changed in Task Scheduler. Do it again and answer "Yes".'
        TaskFailed   = 'The scheduled task {0} does not work; the reason stands above or in the other window. The agent is installed, but may stop while nobody uses the computer.'
        TaskStays    = 'The scheduled task {0} was not removed; the reason stands above or in the other window.'
        Password     = 'The Windows password of this user (the password, not the PIN)'
        Registered   = 'Task {0} registered. Looking whether it starts...'
        Running      = 'The task is running.'
        NotRunning   = 'The task is registered, but does not keep running. Last result: {0}.'
        BatchRight   = 'The user {0} lacks the right "Log on as a batch job". In secpol.msc, Local Policies, User Rights Assignment, add the user; then open instalar.cmd again.'
        BadPassword  = 'The password kept for the user {0} is wrong. Open again: instalar.cmd -StorePassword'
        UpdateWsl    = 'The WSL of this computer is old and may not start without somebody logged on. Update it: "wsl --update" in a PowerShell, then open instalar.cmd again.'
        TryPassword  = 'Try with the password of the user {0} kept: instalar.cmd -StorePassword'
        Failed       = 'That did not work: {0}'
        Enter        = 'Press Enter to close'
        Removed      = 'Task {0} removed.'
        NotInstalled = 'No distribution of this user has the agent installed.'
        Gone         = 'Done: the agent was removed from this computer.'
        Done         = 'Done. The agent starts with the computer and stays on. Delete the .zip and this folder now: whoever has them can send data as this store.'
        DryRunDone   = 'Only a rehearsal: nothing was changed.'
    }
}

# Portuguese, unless Windows itself speaks English or -Language says so.
$Tongue = 'pt-BR'
if ((Get-UICulture).Name -like 'en*') { $Tongue = 'en' }
if ($PSBoundParameters.ContainsKey('Language')) { $Tongue = $Language }

function Get-Word([string]$Key, [object[]]$Values = @()) {
    return ($Words[$Tongue][$Key] -f $Values)
}

function Show-Word([string]$Key, [object[]]$Values = @()) {
    Write-Host (Get-Word $Key $Values)
}

function Stop-With([string]$Key, [object[]]$Values = @()) {
    Write-Host (Get-Word $Key $Values) -ForegroundColor Red
    exit 1
}

function Get-Wsl {
    if (Test-Path -LiteralPath $NewWsl) { return $NewWsl }
    if (Test-Path -LiteralPath $OldWsl) { return $OldWsl }
    Stop-With 'NoWsl'
}

# Names as WSL allows them; whatever else stands there is a trace of UTF-16. It ends with an error where there is none.
function Get-Distribution {
    $lines = @(& $Wsl --list --quiet)
    if ($LASTEXITCODE -ne 0) { return @() }
    return @($lines | ForEach-Object { $_ -replace '[^A-Za-z0-9._-]', '' } | Where-Object { $_ -ne '' })
}

# For commands that answer by 0 or 1; any other code is of wsl.exe itself.
function Test-Linux([string]$Name, [string[]]$Command) {
    & $Wsl -d $Name -u root --exec @Command | Out-Null
    $code = $LASTEXITCODE
    if ($code -ne 0 -and $code -ne 1) { Show-Word 'NoStart' @($Name, $code) }
    return ($code -eq 0)
}

# The one distribution in which the path is there; '' where there is none.
function Find-Distribution([string]$Path) {
    $names = @(Get-Distribution)
    if ($Distribution -ne '') {
        $named = @($names | Where-Object { $_ -eq $Distribution })
        if ($named.Count -ne 1) { Stop-With 'NotThere' @($Distribution, ($names -join ', ')) }
        return $named[0]
    }
    $found = @($names | Where-Object { Test-Linux $_ @('test', '-e', $Path) })
    if ($found.Count -gt 1) { Stop-With 'Several' @(($found -join ', ')) }
    if ($found.Count -eq 1) { return $found[0] }
    return ''
}

# This folder as Linux sees it.
function Get-LinuxFolder([string]$Name) {
    # A backslash at the end would eat the closing quotation mark of an argument with a space.
    $windows = $PSScriptRoot.TrimEnd('\')
    $lines = @(& $Wsl -d $Name -u root --exec wslpath -u $windows)
    if ($LASTEXITCODE -ne 0 -or $lines.Count -lt 1) { Stop-With 'NotVisible' @($Name, $windows) }
    $linux = ([string]$lines[0]).Trim()
    if (-not (Test-Linux $Name @('test', '-f', ($linux + '/shipper.pyz')))) { Stop-With 'NotVisible' @($Name, $windows) }
    return $linux
}

function Get-LinuxOption {
    $options = @('--language', $Tongue)
    if ($Yes) { $options += '--yes' }
    if ($DryRun) { $options += '--dry-run' }
    if ($NoDatabase) { $options += '--no-database' }
    if ($NoAmi) { $options += '--no-ami' }
    if ($Replace) { $options += '--replace' }
    return $options
}

# What the task is, in one line that is kept in the task itself: tells whether it is to be registered anew.
function Get-TaskMark([string]$Name, [string]$Sid) {
    return ('pabx-shipper, revision {0}: {1}, {2}, {3}' -f $TaskRevision, $Name, $Sid, $Wsl)
}

function Test-Task([string]$Mark) {
    $task = Get-ScheduledTask -TaskName $TaskName -TaskPath '\' -ErrorAction SilentlyContinue
    if ($null -eq $task) { return $false }
    return ($task.Description -eq $Mark -and [string]$task.State -ne 'Disabled')
}

function Get-TaskXml([string]$Name, [string]$Sid, [string]$LogonType) {
    $mark = [System.Security.SecurityElement]::Escape((Get-TaskMark $Name $Sid))
    $program = [System.Security.SecurityElement]::Escape($Wsl)
    return @"
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>$mark</Description>
  </RegistrationInfo>
  <Triggers>
    <BootTrigger>
      <Enabled>true</Enabled>
      <Delay>PT30S</Delay>
    </BootTrigger>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT5M</Interval>
      </Repetition>
    </TimeTrigger>
    <EventTrigger>
      <Enabled>true</Enabled>
      <Subscription>&lt;QueryList&gt;&lt;Query Id="0" Path="System"&gt;&lt;Select Path="System"&gt;*[System[Provider[@Name='Microsoft-Windows-Power-Troubleshooter'] and EventID=1]]&lt;/Select&gt;&lt;/Query&gt;&lt;/QueryList&gt;</Subscription>
      <Delay>PT15S</Delay>
    </EventTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>$Sid</UserId>
      <LogonType>$LogonType</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>3</Count>
    </RestartOnFailure>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>$program</Command>
      <Arguments>-d $Name -u root --exec $Launcher keep-alive --stay</Arguments>
    </Exec>
  </Actions>
</Task>
"@
}

function Get-Account([string]$Sid) {
    $identifier = New-Object System.Security.Principal.SecurityIdentifier $Sid
    return $identifier.Translate([System.Security.Principal.NTAccount]).Value
}

# True when the task has run for five seconds at a stretch within half a minute.
function Wait-Task {
    $seconds = 0
    for ($i = 0; $i -lt 30 -and $seconds -lt 5; $i++) {
        Start-Sleep -Seconds 1
        $task = Get-ScheduledTask -TaskName $TaskName -TaskPath '\'
        if ([string]$task.State -eq 'Running') { $seconds++ } else { $seconds = 0 }
    }
    return ($seconds -ge 5)
}

function Show-TaskTrouble([string]$Account) {
    $information = Get-ScheduledTaskInfo -TaskName $TaskName -TaskPath '\'
    $result = '0x{0:X8}' -f $information.LastTaskResult
    Show-Word 'NotRunning' @($result)
    if ($result -eq '0x80070569') { Show-Word 'BatchRight' @($Account) }
    elseif ($result -eq '0x8007052E') { Show-Word 'BadPassword' @($Account) }
    elseif ($Wsl -ne $NewWsl) { Show-Word 'UpdateWsl' }
    else { Show-Word 'TryPassword' @($Account) }
}

# Needs an administrator. True when the task is registered and runs.
function Register-Task([string]$Name, [string]$Sid) {
    $account = Get-Account $Sid
    if ($StorePassword) {
        $credential = Get-Credential -UserName $account -Message (Get-Word 'Password')
        $password = $credential.GetNetworkCredential().Password
        $xml = Get-TaskXml $Name $Sid 'Password'
        Register-ScheduledTask -TaskName $TaskName -TaskPath '\' -Xml $xml -User $account -Password $password -Force | Out-Null
    }
    else {
        $xml = Get-TaskXml $Name $Sid 'S4U'
        Register-ScheduledTask -TaskName $TaskName -TaskPath '\' -Xml $xml -Force | Out-Null
    }
    Show-Word 'Registered' @($TaskName)
    # One that runs already was started from the former definition; one that does not is no error.
    Stop-ScheduledTask -TaskName $TaskName -TaskPath '\' -ErrorAction SilentlyContinue
    Start-Sleep -Seconds 2
    Start-ScheduledTask -TaskName $TaskName -TaskPath '\'
    if (Wait-Task) {
        Show-Word 'Running'
        return $true
    }
    Show-TaskTrouble $account
    return $false
}

# Needs an administrator. Nothing to do is fine.
function Remove-Task {
    $task = Get-ScheduledTask -TaskName $TaskName -TaskPath '\' -ErrorAction SilentlyContinue
    if ($null -ne $task) {
        Stop-ScheduledTask -TaskName $TaskName -TaskPath '\' -ErrorAction SilentlyContinue
        Unregister-ScheduledTask -TaskName $TaskName -TaskPath '\' -Confirm:$false
        Show-Word 'Removed' @($TaskName)
    }
    return $true
}

function Test-Administrator {
    $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object System.Security.Principal.WindowsPrincipal $identity
    return $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
}

# Runs this script's administrator part: here where we are one, else in a window of its own.
function Invoke-TaskStep([string]$Step, [string]$Name, [string]$Sid) {
    if (Test-Administrator) {
        if ($Step -eq 'Remove') { return (Remove-Task) }
        return (Register-Task $Name $Sid)
    }
    Show-Word 'AskAdmin' @($TaskName)
    $arguments = '-NoProfile -ExecutionPolicy Bypass -File "{0}" -TaskStep {1} -UserSid {2} -Language {3}' -f $PSCommandPath, $Step, $Sid, $Tongue
    if ($Name -ne '') { $arguments += ' -Distribution {0}' -f $Name }
    if ($StorePassword) { $arguments += ' -StorePassword' }
    if ($Yes) { $arguments += ' -Yes' }
    $program = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
    try { $process = Start-Process -FilePath $program -ArgumentList $arguments -Verb RunAs -Wait -PassThru }
    catch { Stop-With 'Refused' }
    return ($process.ExitCode -eq 0)
}

function Install-Store {
    foreach ($file in @('shipper.pyz', 'shipper.toml')) {
        if (-not (Test-Path -LiteralPath (Join-Path $PSScriptRoot $file))) { Stop-With 'Extract' @($file) }
    }
    if (@(Get-Distribution).Count -eq 0) { Stop-With 'NoNames' @([Environment]::UserName) }
    $name = Find-Distribution '/etc/asterisk'
    if ($name -eq '') { Stop-With 'NoFreePbx' @((@(Get-Distribution) -join ', ')) }
    if (-not (Test-Linux $name @('test', '-x', '/usr/bin/python3'))) { Stop-With 'NoPython' @($name) }
    $folder = Get-LinuxFolder $name
    $options = @(Get-LinuxOption)
    Show-Word 'Using' @($name)
    & $Wsl -d $name -u root --exec /usr/bin/python3 ($folder + '/shipper.pyz') install --bundle $folder @options
    if ($LASTEXITCODE -ne 0) {
        $code = $LASTEXITCODE
        Show-Word 'LinuxFailed' @($code)
        exit $code
    }
    # Who answers "no" over there ends with 0 as well.
    if (-not $DryRun -and -not (Test-Linux $name @('test', '-e', $Launcher))) { Stop-With 'Declined' }
    $sid = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
    if ((Test-Task (Get-TaskMark $name $sid)) -and -not $StorePassword) { Show-Word 'TaskThere' @($TaskName) }
    elseif ($DryRun) { Show-Word 'WouldTask' @($TaskName, [Environment]::UserName, $name) }
    elseif (-not (Invoke-TaskStep 'Register' $name $sid)) { Stop-With 'TaskFailed' @($TaskName) }
    if ($DryRun) { Show-Word 'DryRunDone' } else { Show-Word 'Done' }
}

function Uninstall-Store {
    $name = Find-Distribution $Launcher
    if ($name -eq '') { Show-Word 'NotInstalled' }
    else {
        $options = @(Get-LinuxOption)
        & $Wsl -d $name -u root --exec $Launcher uninstall @options
        if ($LASTEXITCODE -ne 0) {
            $code = $LASTEXITCODE
            Show-Word 'LinuxFailed' @($code)
            exit $code
        }
        if (-not $DryRun -and (Test-Linux $name @('test', '-e', $Launcher))) { Stop-With 'Declined' }
    }
    if ($DryRun) {
        Show-Word 'WouldRemove' @($TaskName)
        Show-Word 'DryRunDone'
        return
    }
    $sid = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
    if (-not (Invoke-TaskStep 'Remove' '' $sid)) { Stop-With 'TaskStays' @($TaskName) }
    Show-Word 'Gone'
}

# The part in the administrator's window, which would close before its words are read.
function Invoke-AsAdministrator {
    $good = $false
    try {
        if ($TaskStep -eq 'Remove') { $good = Remove-Task }
        else { $good = Register-Task $Distribution $UserSid }
    }
    catch {
        Show-Word 'Failed' @($_.Exception.Message)
        if ($TaskStep -eq 'Register' -and -not $StorePassword) { Show-Word 'TryPassword' @((Get-Account $UserSid)) }
    }
    if ($good) { exit 0 }
    if (-not $Yes) { Read-Host (Get-Word 'Enter') | Out-Null }
    exit 1
}

# Paths with accents come back from Linux as UTF-8. A host without a console cannot be told so, and then needs not be.
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false }
catch { Write-Verbose $_.Exception.Message }

$Wsl = Get-Wsl
if ($PSBoundParameters.ContainsKey('TaskStep')) { Invoke-AsAdministrator }
try {
    if ($Uninstall) { Uninstall-Store } else { Install-Store }
}
catch { Stop-With 'Failed' @($_.Exception.Message) }
exit 0
