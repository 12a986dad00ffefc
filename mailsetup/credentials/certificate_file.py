"""The public part of a certificate as a file to download; the private key is never in it."""

from __future__ import annotations

from flask import Response

from mailsetup.core.errors import Conflict
from mailsetup.mail_services import own_certificates
from mailsetup.mail_services.base import CredentialValue


def certificate_file(value: CredentialValue) -> Response:
    """The `.cer` file of a credential. Raises Conflict when it signs in with something else."""
    certificate = value.secrets.get("certificate")
    if not certificate:
        raise Conflict("This credential signs in without a certificate.")
    answer = Response(own_certificates.public_part(certificate.reveal()), content_type=own_certificates.CONTENT_TYPE)
    name = value.public.get("thumbprint", "")[:8].lower()
    answer.headers["Content-Disposition"] = f'attachment; filename="outbound-mail-{name}.cer"'
    return answer
