"""Keys that were never anybody's, for the corpora of `bench scan`."""

import base64
import hashlib


def make(choose):
    """The id and the secret of a new key, from a source of random numbers. The id carries an account number."""
    raw = bytearray(choose.randbytes(10))
    raw[0] |= 0x80
    return "AKIA" + base64.b32encode(raw).decode(), base64.b64encode(choose.randbytes(30)).decode()


def forms(access_key_id, secret):
    """Texts that hold the key, each ending its line."""
    credentials = f"[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret}\n"
    return [
        f"# AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret}\n",
        f'client = new BasicAWSCredentials("{access_key_id}", "{secret}")\n',
        f"Access key ID,Secret access key\n{access_key_id},{secret}\n",
        f"data: {base64.b64encode(credentials.encode()).decode()}\n",
        '{"accessKeyId": "%s", "secretAccessKey": "%s"}\n' % (access_key_id, secret.replace("/", "\\/")),
    ]


def truth(access_key_id, secret, **where):
    """What the truth about a corpus tells of a key. Some scanners tell only digests."""

    def digests(value):
        return [hashlib.sha1(value.encode()).hexdigest(), hashlib.sha256(value.encode()).hexdigest()]

    return {
        "access_key_id": access_key_id,
        "access_key_id_digests": digests(access_key_id),
        "secret_access_key": secret,
        "secret_access_key_digests": digests(secret),
        **where,
    }
