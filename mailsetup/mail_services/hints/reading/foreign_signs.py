"""How failures on the way are told by systems that speak German, French, Spanish, Italian, Portuguese or Japanese."""

from __future__ import annotations

Sign = tuple[str, str, tuple[str, ...]]

SIGNS: tuple[Sign, ...] = (
    ("tls", "expired", ("zertifikat ist abgelaufen", "zertifikat abgelaufen", "certificat a expiré")),
    ("tls", "expired", ("certificat expiré", "certificado ha expirado", "certificado ha caducado")),
    ("tls", "expired", ("certificato è scaduto", "certificado expirou", "証明書の有効期限")),
    ("tls", "self_signed", ("selbstsigniert", "selbst signiert", "auto-signé", "autosigné", "autofirmado")),
    ("tls", "self_signed", ("autofirmato", "autoassinado", "自己署名")),
    ("dns", "lookup_failed", ("temporärer fehler bei der namensauflösung", "échec temporaire dans la résolution")),
    ("dns", "lookup_failed", ("fallo temporal en la resolución", "errore temporaneo nella risoluzione")),
    ("dns", "no_such_name", ("name oder der dienst ist nicht bekannt", "name oder dienst nicht bekannt")),
    ("dns", "no_such_name", ("nom ou service inconnu", "nombre o servicio desconocido", "nome o servizio sconosciuto")),
    ("dns", "no_such_name", ("hôte inconnu", "host desconocido", "unbekannter rechner", "der host ist unbekannt")),
    ("dns", "no_such_name", ("host sconosciuto", "nome ou serviço desconhecido", "名前またはサービスが不明")),
    ("tcp", "refused", ("verbindungsaufbau abgelehnt", "verbindung verweigert", "verbindung abgelehnt")),
    ("tcp", "refused", ("connexion refusée", "conexión rehusada", "conexión denegada", "conexión rechazada")),
    ("tcp", "refused", ("connessione rifiutata", "conexão recusada", "接続を拒否")),
    ("tcp", "unreachable", ("keine route zum", "netzwerk ist nicht erreichbar", "aucun chemin d'accès pour atteindre")),
    ("tcp", "unreachable", ("réseau n'est pas accessible", "red es inaccesible", "ninguna ruta hasta")),
    ("tcp", "timeout", ("wartezeit für die verbindung", "zeitüberschreitung", "nicht rechtzeitig reagiert")),
    ("tcp", "timeout", ("délai d'attente", "expiration du délai", "n'a pas répondu convenablement")),
    (
        "tcp",
        "timeout",
        ("tiempo de espera", "se agotó el tiempo", "connessione scaduta", "tempo limite", "タイムアウト"),
    ),
    ("tcp", "closed", ("vom kommunikationspartner zurückgesetzt", "ré-initialisée par le correspondant")),
    ("tcp", "closed", ("réinitialisée par le correspondant", "conexión reinicializada", "von der gegenstelle")),
)
