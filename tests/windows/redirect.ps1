# Attacks an elevated run for many users: while `msipcfg apply --profiles` runs again and again, the user's empty
# MicroSIP folder is turned into a junction to a protected folder and back. Nothing in that folder may change.
#
#   cargo build
#   powershell -ExecutionPolicy Bypass -File tests\windows\redirect.ps1
#
# Needs Windows and NTFS. The junctions belong to whoever runs this: if that is an administrator, Windows' own
# protection (RedirectionGuard) trusts them, so that only msipcfg's checks are tested.
param(
    [string] $Program = 'target\debug\msipcfg.exe',
    [int] $Runs = 200
)
$ErrorActionPreference = 'Stop'

Add-Type -TypeDefinition @'
using System;
using System.ComponentModel;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;

public class Attack {
    const uint GenericWrite = 0x40000000, ShareAll = 7, OpenExisting = 3, BackupAndReparsePoint = 0x02200000;
    const uint SetReparsePoint = 0x900A4, DeleteReparsePoint = 0x900AC, MountPoint = 0xA0000003;

    [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
    static extern SafeFileHandle CreateFileW(
        string path, uint access, uint share, IntPtr security, uint creation, uint flags, IntPtr template);

    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool DeviceIoControl(
        SafeFileHandle file, uint code, byte[] input, int size, IntPtr output, int outputSize, out int returned,
        IntPtr overlapped);

    static bool Control(string folder, uint code, byte[] data) {
        using (var file = CreateFileW(
            folder, GenericWrite, ShareAll, IntPtr.Zero, OpenExisting, BackupAndReparsePoint, IntPtr.Zero)) {
            int returned;
            return !file.IsInvalid
                && DeviceIoControl(file, code, data, data.Length, IntPtr.Zero, 0, out returned, IntPtr.Zero);
        }
    }

    static byte[] Buffer(string target) {
        byte[] name = Encoding.Unicode.GetBytes(@"\??\" + target);
        var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        writer.Write(MountPoint);
        writer.Write((ushort)(8 + name.Length + 4));
        writer.Write((ushort)0);
        writer.Write((ushort)0);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)(name.Length + 2));
        writer.Write((ushort)0);
        writer.Write(name);
        writer.Write(0);
        return stream.ToArray();
    }

    public static int Redirections;
    static volatile bool stop;
    static Thread thread;

    // Empties the folder and makes it a junction, as often as that succeeds.
    public static void Start(string folder, string target) {
        byte[] junction = Buffer(target);
        byte[] none = new byte[8];
        Array.Copy(junction, none, 4);
        thread = new Thread(() => {
            while (!stop) {
                try {
                    foreach (string file in Directory.GetFiles(folder)) { File.Delete(file); }
                } catch (IOException) {
                } catch (UnauthorizedAccessException) {
                }
                if (Control(folder, SetReparsePoint, junction)) {
                    Redirections++;
                    Thread.Sleep(1);
                    Control(folder, DeleteReparsePoint, none);
                }
            }
        });
        thread.Start();
    }

    public static void Stop() {
        stop = true;
        thread.Join();
    }
}
'@

function Get-State([string] $Folder) {
    Get-ChildItem -LiteralPath $Folder -Force -Recurse | Sort-Object FullName | ForEach-Object {
        $hash = if ($_.PSIsContainer) { '' } else { (Get-FileHash -LiteralPath $_.FullName).Hash }
        "$($_.FullName) $hash $((Get-Acl -LiteralPath $_.FullName).Sddl)"
    }
    (Get-Acl -LiteralPath $Folder).Sddl
}

$work = Join-Path $env:TEMP "msipcfg-redirect-$PID"
$folder = Join-Path $work 'profiles\ann\AppData\Roaming\MicroSIP'
$target = Join-Path $work 'protected'
New-Item -ItemType Directory -Force $folder, $target | Out-Null
$ini = "[Settings]`r`nVAD=0`r`n"
foreach ($name in 'MicroSIP.ini', '.MicroSIP.ini.msipcfg-lock', '.MicroSIP.ini.abcdef.msipcfg-tmp') {
    Set-Content -LiteralPath (Join-Path $target $name) -Value $ini -Encoding Unicode
}
$desired = Join-Path $work 'desired.toml'
Set-Content -LiteralPath $desired -Value "[settings]`nVAD = 1" -Encoding ASCII
$before = Get-State $target

[Attack]::Start($folder, $target)
# otherwise PowerShell 5.1 stops at the first line that a program writes to its redirected standard error
$ErrorActionPreference = 'Continue'
for ($run = 0; $run -lt $Runs; $run++) {
    # some runs fail, depending on the moment; that is right
    & $Program apply $desired --profiles (Join-Path $work 'profiles') --create --timeout 0 --quiet 2>$null | Out-Null
}
$ErrorActionPreference = 'Stop'
[Attack]::Stop()

$after = Get-State $target
$count = [Attack]::Redirections
Remove-Item -LiteralPath $work -Recurse -Force
if ($count -eq 0) { throw 'the folder was never redirected, so nothing was tested' }
if (Compare-Object $before $after) {
    Compare-Object $before $after | Format-List | Out-String | Write-Output
    throw "the protected folder changed ($count redirections)"
}
Write-Output "unchanged after $Runs runs and $count redirections"
# not the exit status of the last run
exit 0
