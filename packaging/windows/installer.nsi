; SPDX-License-Identifier: MIT
; Windows installer, for one person without an administrator or for all users with one. wrap.py compiles it:
;   makensis -DVERSION=0.1.0 -DNUMBERS=0.1.0.0 -DPAYLOAD=dist\latent-explorer -DLONGEST=120 -DOUTPUT=latent-explorer.exe
;     -DICON=build\icons\icon.ico -DPICTURE=build\icons\installer.bmp packaging\windows\installer.nsi
; NUMBERS: the version as Windows wants it. LONGEST: characters of the longest path in PAYLOAD.
; On the command line: /S (silent), /AllUsers or /CurrentUser, /D=FOLDER (last, without quotes).
; Exit status: 0, 1 (cancelled or the wrong Windows), 2 (not possible, such as a running program), 740 (needs an
; administrator).

Unicode true
ManifestDPIAware true
ManifestLongPathAware true
SetCompressor /SOLID lzma
SetCompressorDictSize 32 ; MB; makensis has 32 bits on Windows, and takes twelve times as much
AllowSkipFiles off ; a file that cannot be written ends the installation, also a silent one
; Only `For all users` asks for an administrator, by starting this program again. `highest` would ask everyone who
; happens to be one.
RequestExecutionLevel user

!define NAME "Latent Explorer"
!define ID "org.latentexplorer.LatentExplorer"
!define PROGRAM "latent-explorer.exe"
!define COMMAND_LINE "latent-explorer-cli.exe"
!define DATA "latent-explorer" ; folder of the person's data, see latent_explorer/common/paths.py
!define KEY "Software\${ID}"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${ID}"
!define FOR_ONE "$LOCALAPPDATA\Programs\${NAME}"
!define NEEDS_ADMINISTRATOR 740 ; ERROR_ELEVATION_REQUIRED
!define WINDOWS_10_1809 17763 ; the oldest of PySide6
!define MAX_PATH 259

!include MUI2.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include x64.nsh

Name "${NAME}"
BrandingText "${NAME} ${VERSION}"
OutFile "${OUTPUT}"
InstallDir "${FOR_ONE}" ; its last part is added to a folder that is browsed for
VIProductVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} installer"
VIAddVersionKey "LegalCopyright" "Latent Explorer contributors, MIT licence"

Var Given ; folder of /D=, or ""
Var Chosen ; 1 if the command line says for whom
Var Installed ; folder of the version that is there, or ""
Var Administrator ; 1 if this process may write for all users
Var Kept ; where the person's data stay
Var ForMe ; radio buttons
Var ForAll

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Open ${NAME}"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenProgram
; The uninstaller keeps what the person made, and says where it is.
!define MUI_UNCONFIRMPAGE_TEXT_TOP "${NAME} will be removed. Your own files, trainings and settings stay; those that \
the program keeps for you are in$\r$\n$Kept$\r$\nDelete that folder yourself if you do not need them."

Page custom AskForWhom TakeForWhom
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE CheckFolder
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; ------------------------------------------------------------------------------------------------- for whom

!macro Begin
  SetRegView 64 ; not the part of the registry for 32-bit programs, such as this one
  UserInfo::GetAccountType
  Pop $0
  ${If} $0 == "Admin"
    StrCpy $Administrator 1
  ${EndIf}
!macroend

Function .onInit
  !insertmacro Begin
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastBuild} ${WINDOWS_10_1809}
    MessageBox MB_ICONSTOP "${NAME} needs a 64-bit Windows 11, or 10 of version 1809 or later." /SD IDOK
    SetErrorLevel 1
    Quit
  ${EndIf}
  ${If} $INSTDIR != "${FOR_ONE}"
    StrCpy $Given $INSTDIR
  ${EndIf}

  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/CurrentUser" $1
  ${IfNot} ${Errors}
    StrCpy $Chosen 1
    Call UseForOne
    Return
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/AllUsers" $1
  ${IfNot} ${Errors}
    ${If} $Administrator != 1
      ${If} ${Silent}
        SetErrorLevel ${NEEDS_ADMINISTRATOR}
      ${Else}
        ExecShell "runas" "$EXEPATH" "/AllUsers"
      ${EndIf}
      Quit
    ${EndIf}
    StrCpy $Chosen 1
    Call UseForAll
    Return
  ${EndIf}

  ; An update goes where the older version is.
  ReadRegStr $0 HKCU "${KEY}" "Folder"
  ReadRegStr $1 HKLM "${KEY}" "Folder"
  ${If} $0 == ""
  ${AndIf} $1 != ""
  ${AndIf} $Administrator == 1
    Call UseForAll
  ${Else}
    Call UseForOne
  ${EndIf}
FunctionEnd

Function UseForOne
  SetShellVarContext current
  StrCpy $INSTDIR "${FOR_ONE}"
  Call UseEarlierFolder
FunctionEnd

Function UseForAll
  SetShellVarContext all
  StrCpy $INSTDIR "$PROGRAMFILES64\${NAME}"
  Call UseEarlierFolder
FunctionEnd

Function UseEarlierFolder
  ReadRegStr $Installed SHCTX "${KEY}" "Folder"
  ${If} $Given != ""
    StrCpy $INSTDIR $Given
  ${ElseIf} $Installed != ""
    StrCpy $INSTDIR $Installed
  ${EndIf}
FunctionEnd

Function AskForWhom
  ${If} $Chosen == 1
    Abort ; no such page
  ${EndIf}
  !insertmacro MUI_HEADER_TEXT "For whom?" "Install ${NAME} for yourself or for everybody who uses this computer."
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateRadioButton} 0 10u 100% 12u "For &me only (no administrator is needed)"
  Pop $ForMe
  ${NSD_CreateRadioButton} 0 30u 100% 12u "For &all users of this computer (Windows asks for an administrator)"
  Pop $ForAll
  ReadRegStr $0 HKCU "${KEY}" "Folder"
  ReadRegStr $1 HKLM "${KEY}" "Folder"
  ${If} $0 == ""
  ${AndIf} $1 != ""
    ${NSD_Check} $ForAll
    ${NSD_SetFocus} $ForAll
  ${Else}
    ${NSD_Check} $ForMe
    ${NSD_SetFocus} $ForMe
  ${EndIf}
  nsDialogs::Show
FunctionEnd

Function TakeForWhom
  ${NSD_GetState} $ForAll $0
  ${If} $0 != ${BST_CHECKED}
    Call UseForOne
  ${ElseIf} $Administrator == 1
    Call UseForAll
  ${Else}
    ClearErrors
    ExecShell "runas" "$EXEPATH" "/AllUsers"
    ${If} ${Errors} ; the person said no
      Abort ; stay on this page
    ${EndIf}
    Quit
  ${EndIf}
FunctionEnd

; ---------------------------------------------------------------------------------------------------- files

; A running program cannot be opened for writing. This comes before anything is removed.
!macro WaitUntilClosed FOLDER FILE
  ${Do}
    StrCpy $1 free
    ${If} ${FileExists} "${FOLDER}\${FILE}" ; else it would be made
      ClearErrors
      FileOpen $0 "${FOLDER}\${FILE}" a
      ${If} ${Errors}
        StrCpy $1 "in use"
      ${Else}
        FileClose $0
      ${EndIf}
    ${EndIf}
    ${If} $1 == free
      ${Break}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${NAME} is running: its window, or a training that continues \
without it. Close it or wait until it has ended, and try again.$\r$\n$\r$\n(${FOLDER}\${FILE} cannot be changed.)" \
/SD IDCANCEL IDRETRY +2
    Abort "${NAME} is running: ${FOLDER}\${FILE} cannot be changed."
  ${Loop}
!macroend

; Only what an installer of this program writes: the folder may hold other things.
!macro RemoveProgram FOLDER
  Delete "${FOLDER}\${PROGRAM}"
  Delete "${FOLDER}\${COMMAND_LINE}"
  RMDir /r "${FOLDER}\_internal"
  Delete "${FOLDER}\uninstall.exe"
  RMDir "${FOLDER}" ; only if nothing else is in it
!macroend

!macro RegisterFileType SUFFIX TITLE
  WriteRegStr SHCTX "Software\Classes\.${SUFFIX}" "" "${ID}.${SUFFIX}"
  WriteRegStr SHCTX "Software\Classes\.${SUFFIX}\OpenWithProgids" "${ID}.${SUFFIX}" ""
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}" "" "${TITLE}"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}\DefaultIcon" "" "$INSTDIR\${PROGRAM},0"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}\shell\open" "FriendlyAppName" "${NAME}"
  WriteRegStr SHCTX "Software\Classes\${ID}.${SUFFIX}\shell\open\command" "" '"$INSTDIR\${PROGRAM}" "%1"'
!macroend

; What another program has entered for the same suffix stays.
!macro UnregisterFileType SUFFIX
  DeleteRegKey SHCTX "Software\Classes\${ID}.${SUFFIX}"
  ReadRegStr $0 SHCTX "Software\Classes\.${SUFFIX}" ""
  ${If} $0 == "${ID}.${SUFFIX}"
    DeleteRegValue SHCTX "Software\Classes\.${SUFFIX}" ""
  ${EndIf}
  DeleteRegValue SHCTX "Software\Classes\.${SUFFIX}\OpenWithProgids" "${ID}.${SUFFIX}"
  DeleteRegKey /ifempty SHCTX "Software\Classes\.${SUFFIX}\OpenWithProgids"
  DeleteRegKey /ifempty SHCTX "Software\Classes\.${SUFFIX}"
!macroend

!macro ReadFileTypesAgain
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
!macroend

Function CheckFolder
  StrLen $0 "$INSTDIR\"
  IntOp $0 $0 + ${LONGEST}
  ${If} $0 > ${MAX_PATH}
    IntOp $0 ${MAX_PATH} - ${LONGEST}
    IntOp $0 $0 - 1
    MessageBox MB_ICONEXCLAMATION "The name of this folder is too long for Windows. Choose one of at most $0 \
characters:$\r$\n$INSTDIR" /SD IDOK
    Abort
  ${EndIf}
FunctionEnd

Section
  Call CheckFolder ; again, for a silent installation
  ; The folder of an older version is emptied: files that a newer one no longer has would be imported.
  !insertmacro WaitUntilClosed "$INSTDIR" "${PROGRAM}"
  !insertmacro WaitUntilClosed "$INSTDIR" "${COMMAND_LINE}"
  ${If} $Installed != ""
  ${AndIf} $Installed != $INSTDIR
    !insertmacro WaitUntilClosed "$Installed" "${PROGRAM}"
    !insertmacro WaitUntilClosed "$Installed" "${COMMAND_LINE}"
    !insertmacro RemoveProgram "$Installed"
  ${EndIf}
  !insertmacro RemoveProgram "$INSTDIR"
  SetOutPath "$INSTDIR"
  ; What removes the program comes first: an installation that breaks off can be removed, too.
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr SHCTX "${KEY}" "Folder" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${PROGRAM},0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "Latent Explorer contributors"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  File /r "${PAYLOAD}/*.*"

  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${PROGRAM}"
  !insertmacro RegisterFileType "explainer" "Explainer of an image classifier"
  !insertmacro RegisterFileType "exploration" "Exploration of an image classifier"
  !insertmacro ReadFileTypesAgain
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" $0
SectionEnd

; Explorer starts it as the person who is logged in, not as the administrator that an installation for all users has.
Function OpenProgram
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\${PROGRAM}"'
FunctionEnd

; ---------------------------------------------------------------------------------------------- uninstaller

Function un.onInit
  !insertmacro Begin
  SetShellVarContext current
  StrCpy $Kept "$LOCALAPPDATA\${DATA}"
  ReadRegStr $0 HKCU "${KEY}" "Folder"
  ReadRegStr $1 HKLM "${KEY}" "Folder"
  ${If} $1 == $INSTDIR
    StrCpy $0 "" ; this one was installed for all users
  ${EndIf}
  ${If} $0 == ""
  ${AndIf} $1 != ""
    StrCpy $Kept "AppData\Local\${DATA} of each person's folder"
    SetShellVarContext all
    ${If} $Administrator != 1
      ${If} ${Silent}
        SetErrorLevel ${NEEDS_ADMINISTRATOR}
      ${Else}
        ExecShell "runas" "$INSTDIR\uninstall.exe"
      ${EndIf}
      Quit
    ${EndIf}
  ${EndIf}
FunctionEnd

Section "Uninstall"
  !insertmacro WaitUntilClosed "$INSTDIR" "${PROGRAM}"
  !insertmacro WaitUntilClosed "$INSTDIR" "${COMMAND_LINE}"
  !insertmacro RemoveProgram "$INSTDIR"
  Delete "$SMPROGRAMS\${NAME}.lnk"
  !insertmacro UnregisterFileType "explainer"
  !insertmacro UnregisterFileType "exploration"
  !insertmacro ReadFileTypesAgain
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  DeleteRegKey SHCTX "${KEY}"
  DetailPrint "Kept: $Kept"
SectionEnd
