; SPDX-License-Identifier: MIT
; Windows installer, for one person without administrator rights or for all users. wrap.py compiles it:
;   makensis -DVERSION=0.1.0 -DPAYLOAD=dist\latent-explorer -DOUTPUT=setup.exe -DICON=build\icons\icon.ico installer.nsi

Unicode true
ManifestDPIAware true
SetCompressor /SOLID lzma
SetCompressorDictSize 64

!define NAME "Latent Explorer"
!define ID "org.latentexplorer.LatentExplorer"
!define PROGRAM "latent-explorer.exe"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${ID}"

; MultiUser.nsh asks for whom, and elevates only for all users: per-user by default.
!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_INSTALLMODE_INSTDIR "${NAME}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "Software\${ID}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "Folder"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "Software\${ID}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "Folder"
!define MULTIUSER_USE_PROGRAMFILES64
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include x64.nsh

Name "${NAME}"
OutFile "${OUTPUT}"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} installer"
VIAddVersionKey "LegalCopyright" "Latent Explorer contributors, MIT licence"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\${PROGRAM}"
!define MUI_FINISHPAGE_RUN_TEXT "Open ${NAME}"
; The uninstaller keeps what the person made, and says where it is.
!define MUI_UNCONFIRMPAGE_TEXT_TOP "${NAME} will be removed. Explorations, runs and settings are kept in$\r$\n\
$LOCALAPPDATA\latent-explorer$\r$\nDelete that folder yourself if you do not need them."

!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "${NAME} needs a 64-bit Windows." /SD IDOK
    Abort
  ${EndIf}
  !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
  !insertmacro MULTIUSER_UNINIT
FunctionEnd

!macro RegisterFileType SUFFIX TITLE
  WriteRegStr SHCTX "Software\Classes\.${SUFFIX}" "" "${ID}.${SUFFIX}"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}" "" "${TITLE}"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}\DefaultIcon" "" "$INSTDIR\${PROGRAM},0"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}\shell\open\command" "" '"$INSTDIR\${PROGRAM}" "%1"'
!macroend

!macro UnregisterFileType SUFFIX
  DeleteRegKey SHCTX "Software\Classes\${ID}.${SUFFIX}"
  ReadRegStr $0 SHCTX "Software\Classes\.${SUFFIX}" ""
  ${If} $0 == "${ID}.${SUFFIX}" ; not if another program has taken it over
    DeleteRegKey SHCTX "Software\Classes\.${SUFFIX}"
  ${EndIf}
!macroend

; The folder of an older version is emptied first: files that a newer one no longer has would be imported.
!macro RemoveProgram
  Delete "$INSTDIR\${PROGRAM}"
  Delete "$INSTDIR\latent-explorer-cli.exe"
  RMDir /r "$INSTDIR\_internal"
!macroend

Section
  !insertmacro RemoveProgram
  ${If} ${FileExists} "$INSTDIR\${PROGRAM}"
    MessageBox MB_ICONEXCLAMATION "${NAME} is running. Close it and install again." /SD IDOK
    Abort
  ${EndIf}
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*.*"
  WriteUninstaller "$INSTDIR\uninstall.exe"

  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${PROGRAM}"
  !insertmacro RegisterFileType "explainer" "Explainer of an image classifier"
  !insertmacro RegisterFileType "exploration" "Exploration of an image classifier"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)' ; Explorer reads the file types again

  WriteRegStr SHCTX "Software\${ID}" "Folder" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${PROGRAM},0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "Latent Explorer contributors"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" $0
SectionEnd

Section "Uninstall"
  !insertmacro RemoveProgram
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR" ; only if nothing else is in it
  Delete "$SMPROGRAMS\${NAME}.lnk"
  !insertmacro UnregisterFileType "explainer"
  !insertmacro UnregisterFileType "exploration"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  DeleteRegKey SHCTX "Software\${ID}"
SectionEnd
