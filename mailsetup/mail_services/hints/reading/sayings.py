"""What Microsoft's sign-in pages and MSAL say without a number, in the languages that customers paste most."""

from __future__ import annotations

Saying = tuple[str, tuple[str, ...]]

ANYWHERE: tuple[Saying, ...] = (
    ("error AADSTS90094", ("need admin approval", "admin approval required", "that only an admin can grant")),
    ("error AADSTS90094", ("des administrators erforderlich", "durch administrator erforderlich")),
    ("error AADSTS90094", ("nur ein administrator gewähren", "nur von einem administrator gewährt")),
    ("error AADSTS90094", ("approbation de l'administrateur", "seul un administrateur peut accorder")),
    ("error AADSTS90094", ("aprobación del administrador", "solo un administrador puede conceder")),
    ("error AADSTS90094", ("approvazione dell'amministratore", "solo un amministratore può concedere")),
    ("error AADSTS90094", ("aprovação do administrador", "um administrador pode conceder")),
    ("error AADSTS90094", ("goedkeuring van de beheerder", "goedkeuring van beheerder")),
    ("error AADSTS90094", ("管理者の承認が必要", "需要管理员批准", "관리자 승인 필요")),
    ("error AADSTS50020", ("user account does not exist in tenant", "selected user account does not exist")),
    ("error AADSTS50020", ("benutzerkonto ist im mandanten", "compte d'utilisateur sélectionné n'existe pas")),
    ("error AADSTS50020", ("cuenta de usuario seleccionada no existe", "選択したユーザー アカウントは")),
    ("error AADSTS50011", ("specified in the request does not match",)),
    ("error AADSTS53000", ("can't get there from here",)),
    ("error AADSTS53003", ("blocked by conditional access", "does not meet the criteria to access this resource")),
    ("error AADSTS53003", ("nicht die kriterien für den zugriff", "richtlinien für bedingten zugriff")),
    ("error AADSTS53003", ("stratégies d'accès conditionnel", "ne répond pas aux critères d'accès")),
    ("error AADSTS53003", ("directivas de acceso condicional", "no cumple los criterios", "条件付きアクセス")),
    ("error AADSTS7000215", ("invalid client secret", "ungültiger geheimer client", "ungültiges clientgeheimnis")),
    ("error AADSTS7000215", ("clé secrète client non valide", "secret client non valide")),
    ("error AADSTS7000215", ("secreto de cliente no válido", "segreto client non valido")),
    ("error AADSTS7000215", ("無効なクライアント シークレット", "クライアント シークレットが無効")),
    ("error AADSTS7000222", ("client secret keys are expired", "client secret keys for app")),
    ("error AADSTS50105", ("not assigned to a role for the application", "unless they are specifically granted")),
    ("error AADSTS65004", ("declined to consent", "user canceled the authentication", "user cancelled")),
    ("unreadable_answer", ("expecting value: line 1 column 1", "jsondecodeerror", "unexpected token <")),
    ("state_mismatch", ("state mismatch", "state missing from", "nonce does not match", "auth_code_flow")),
    ("authority_unknown", ("unable to get authority configuration", "invalid_instance")),
    ("clock", ("id token is not yet valid", "computer's time and date", "computer's clock")),
)
# Other services say these as well: they count where Microsoft's sign-in was asked.
ON_ITS_PAGES: tuple[Saying, ...] = (
    ("error AADSTS50079", ("more information required", "weitere informationen erforderlich")),
    ("error AADSTS50079", ("plus d'informations requises", "se necesita más información", "詳細情報が必要")),
    ("error AADSTS53003", ("your sign-in was blocked", "you cannot access this right now")),
    (
        "error AADSTS53003",
        ("können derzeit nicht auf diese", "vous ne pouvez pas y accéder", "no puede tener acceso a"),
    ),
    ("error AADSTS53000", ("set up your device to get access", "help us keep your device secure")),
    ("error AADSTS50053", ("temporarily locked", "account has been locked", "konto wurde vorübergehend gesperrt")),
    ("error AADSTS50055", ("update your password", "kennwort aktualisieren", "password has expired")),
    ("error AADSTS50126", ("account or password is incorrect", "konto oder kennwort ist falsch")),
    ("error AADSTS50034", ("couldn't find an account with that username", "username may be incorrect")),
    ("error AADSTS500208", ("can't sign in here with a personal account", "use your work or school account")),
)
