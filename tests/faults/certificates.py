"""Certificates that are wrong in one way each."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import pathlib
import ssl
import tempfile

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.wireserver import authority, server_context


@functools.cache
def self_signed() -> ssl.SSLContext:
    """Return a server's context whose certificate vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "both.pem")
        file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file)
    return context


@functools.cache
def expired() -> ssl.SSLContext:
    """Return a server's context whose certificate was good until 2001."""
    then = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    return _issued(authority(), not_before=then - datetime.timedelta(days=1), not_after=then)


@functools.cache
def early() -> ssl.SSLContext:
    """Return a server's context whose certificate is good from 2100 on."""
    then = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    return _issued(authority(), not_before=then, not_after=then + datetime.timedelta(days=1))


@functools.cache
def of_a_stranger() -> ssl.SSLContext:
    """Return a server's context whose authority nobody trusts."""
    return _issued(trustme.CA())


def of_another_host() -> ssl.SSLContext:
    """Return a server's context for another name."""
    return server_context("other.example")


def good() -> ssl.SSLContext:
    """Return a server's context with which nothing is wrong."""
    return server_context()


def _issued(by: trustme.CA, **validity: datetime.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    by.issue_cert("127.0.0.1", **validity).configure_cert(context)
    return context
