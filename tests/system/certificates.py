"""Keys and certificates as people make them: with the openssl command."""
import hashlib
import pathlib
import subprocess

NAME = "mx.local.test"
KINDS = {"ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}


class Certificate:
    """A certificate and its key, both in files of their own."""

    def __init__(self, folder, name, kind="ecdsa", issuer=None, is_issuer=False, days=30):
        self.certificate = pathlib.Path(folder) / f"{name}-cert.pem"
        self.key = pathlib.Path(folder) / f"{name}-key.pem"
        self.issuer = issuer
        settings = pathlib.Path(folder) / f"{name}.cnf"
        settings.write_text("[req]\ndistinguished_name = names\n[names]\n")
        options = ["-CA", issuer.certificate, "-CAkey", issuer.key] if issuer is not None else []
        if is_issuer:
            options += ["-addext", "basicConstraints=critical,CA:TRUE", "-subj", f"/CN={name}"]
        else:
            options += ["-addext", f"subjectAltName=DNS:{NAME}", "-subj", f"/CN={NAME}"]
        subprocess.run(["openssl", "req", "-x509", "-config", settings, "-days", str(days), "-nodes", *KINDS[kind],
                        "-keyout", self.key, "-out", self.certificate, *options], check=True, capture_output=True)

    def expire(self):
        """Its validity ended yesterday."""
        request = subprocess.run(["openssl", "x509", "-x509toreq", "-in", self.certificate, "-signkey", self.key],
                                 check=True, capture_output=True).stdout
        subprocess.run(["openssl", "x509", "-req", "-days", "-1", "-CA", self.issuer.certificate, "-CAkey",
                        self.issuer.key, "-out", self.certificate], input=request, check=True, capture_output=True)

    def chain(self):
        """The certificate and those of its issuers, without the root's, as text."""
        text, one = self.certificate.read_text(), self.issuer
        while one is not None and one.issuer is not None:
            text, one = text + one.certificate.read_text(), one.issuer
        return text

    def der(self):
        return subprocess.run(["openssl", "x509", "-in", self.certificate, "-outform", "DER"], check=True,
                              capture_output=True).stdout

    def fingerprint(self, digest="sha256"):
        return ":".join(f"{byte:02X}" for byte in hashlib.new(digest, self.der()).digest())

    def key_fingerprint(self, digest="sha256"):
        """Of the SubjectPublicKeyInfo."""
        key = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-pubkey"], check=True,
                             capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], check=True, input=key,
                             capture_output=True).stdout
        return ":".join(f"{byte:02X}" for byte in hashlib.new(digest, der).digest())
