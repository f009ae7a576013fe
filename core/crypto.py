"""Fields encrypted at rest (AES-256-GCM). The key is QIDAI_FIELD_KEY and never in the database."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField  # not subscriptable at run time

_VERSION = "v1:"
_NONCE_BYTES = 12


@lru_cache(maxsize=4)
def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"qidai field key" + key.encode()).digest())


def encrypt(plain: str) -> str:
    """Text → `v1:` + base64(nonce + ciphertext + tag). A fresh nonce each time: equal texts look different."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(settings.FIELD_KEY).encrypt(nonce, plain.encode(), None)
    return _VERSION + base64.b64encode(nonce + sealed).decode()


def decrypt(stored: str) -> str:
    """Raises ValueError when the key is another one or the text was changed."""
    if not stored.startswith(_VERSION):
        raise ValueError("not an encrypted value of this program")
    raw = base64.b64decode(stored[len(_VERSION) :])
    try:
        return _cipher(settings.FIELD_KEY).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
    except InvalidTag:
        raise ValueError("cannot decrypt: QIDAI_FIELD_KEY is not the key this was written with") from None


def encrypt_bytes(plain: bytes) -> bytes:
    """As `encrypt`, for whole files: `v1:` + nonce + ciphertext + tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION.encode() + nonce + _cipher(settings.FIELD_KEY).encrypt(nonce, plain, None)


def decrypt_bytes(stored: bytes) -> bytes:
    """Raises ValueError when the key is another one or a byte was changed."""
    mark = _VERSION.encode()
    if not stored.startswith(mark):
        raise ValueError("not an encrypted value of this program")
    raw = stored[len(mark) :]
    try:
        return _cipher(settings.FIELD_KEY).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except InvalidTag:
        raise ValueError("cannot decrypt: QIDAI_FIELD_KEY is not the key this was written with") from None


class EncryptedTextField(_TextField):
    """Text in Python, ciphertext in the database; empty stays empty. Cannot be searched, on purpose."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value) if value else value
