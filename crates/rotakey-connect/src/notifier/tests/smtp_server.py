"""A mail server for tests: aiosmtpd in three ways, each on a free port of this machine.

argv[1] is an empty folder: the certificate of the server goes there, and every mail it takes, decoded, as JSON in a file
of its own. Standard input holds the password. The ports are told in one line on standard output.
"""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import itertools
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER = pathlib.Path(sys.argv[1])
PASSWORD = sys.stdin.readline().strip().encode()
NUMBERS = itertools.count()


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    (FOLDER / "ca.pem").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (FOLDER / "server.pem").write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / "server.pem")
    return context


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("denied@"):
            return "550 5.7.1 not here"
        if address.startswith("later@"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "to": envelope.rcpt_tos,
            "headers": {name: str(value) for name, value in mail.items()},
            "text": mail.get_content(),
            "encrypted": session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            "authenticated": bool(session.authenticated),
            "defects": [str(defect) for defect in mail.defects],
        }
        number = next(NUMBERS)
        unfinished = FOLDER / f"{number}.part"
        unfinished.write_text(json.dumps(told))
        unfinished.rename(FOLDER / f"mail-{number:04}.json")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = mechanism in ("LOGIN", "PLAIN") and data.login == b"rotakey" and data.password == PASSWORD
    return AuthResult(success=right, handled=right or None)


async def main():
    context = certificate()
    loop = asyncio.get_running_loop()
    asks = {"authenticator": authenticate, "auth_required": True}
    ways = {
        "starttls": (lambda: SMTP(Handler(), tls_context=context, require_starttls=True, **asks), None),
        "tls": (lambda: SMTP(Handler(), auth_require_tls=False, **asks), context),
        "open": (lambda: SMTP(Handler()), None),
    }
    ports = {}
    for name, (make, wrapped_in) in ways.items():
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=wrapped_in)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    # Ends with the test, which holds the other end.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
