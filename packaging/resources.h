// What both programs have. build.rs defines the macros in upper case.
#include <winver.h>

#define RT_MANIFEST 24

1 ICON "msipcfg.ico"
1 RT_MANIFEST "msipcfg.manifest"

1 VERSIONINFO
FILEVERSION VERSION_NUMBERS
PRODUCTVERSION VERSION_NUMBERS
FILEOS VOS_NT_WINDOWS32
FILETYPE VFT_APP
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    // English, Unicode
    BLOCK "040904b0"
    BEGIN
      VALUE "CompanyName", "The msipcfg developers"
      VALUE "FileDescription", DESCRIPTION
      VALUE "FileVersion", VERSION
      VALUE "InternalName", NAME
      VALUE "LegalCopyright", "MIT OR Apache-2.0"
      VALUE "OriginalFilename", NAME ".exe"
      VALUE "ProductName", "msipcfg"
      VALUE "ProductVersion", VERSION
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
