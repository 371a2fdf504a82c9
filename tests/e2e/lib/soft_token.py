"""A softhsm2 token in a folder of its own, which can be taken away and put back."""
import base64
import os
import subprocess

MODULE = '/usr/lib/softhsm/libsofthsm2.so'
PIN = '5678'


class SoftToken:
    def __init__(self, folder):
        self.folder, self.tokens = folder, folder / 'tokens'
        self.away = folder / 'away'
        self.tokens.mkdir(parents=True)
        (folder / 'conf').write_text(f'directories.tokendir = {self.tokens}\nlog.level = ERROR\n')
        self.environment = {'SOFTHSM2_CONF': str(folder / 'conf')}
        self.pin_file = folder / 'pin'
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(PIN + '\n')
        self.run('--init-token', '--free', '--label', 'book', '--so-pin', '1234', '--pin', PIN)

    def run(self, *arguments):
        subprocess.run(['softhsm2-util', *arguments], check=True, capture_output=True,
                       env={**os.environ, **self.environment})

    def add_key(self, label):
        """An Ed25519 key, as PKCS 8 (RFC 8410 section 7)."""
        secret = bytes.fromhex('302e020100300506032b657004220420') + os.urandom(32)
        path = self.folder / f'{label}.pem'
        path.write_text('-----BEGIN PRIVATE KEY-----\n' + base64.b64encode(secret).decode() +
                        '\n-----END PRIVATE KEY-----\n')
        self.run('--import', str(path), '--token', 'book', '--label', label, '--id',
                 label.encode().hex(), '--pin', PIN)
        path.unlink()

    def options(self, label):
        return ['--heads-pkcs11-module', MODULE, '--heads-pkcs11-token', 'book',
                '--heads-pkcs11-key', label, '--heads-pkcs11-pin-file', str(self.pin_file)]

    def take_away(self):
        self.tokens.rename(self.away)
        self.tokens.mkdir()

    def put_back(self):
        self.tokens.rmdir()
        self.away.rename(self.tokens)
