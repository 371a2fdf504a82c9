"""Certificates made by openssl: an authority, and whoever it vouches for."""
import os
import ssl
import subprocess

NAMES = 'IP:127.0.0.1,DNS:localhost'


def openssl(*arguments, check=True, data=None):
    return subprocess.run(['openssl', *arguments], check=check, input=data, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()


class Pki:
    """Files in a folder; each name is a certificate NAME.pem with its NAME.key."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                '-days', '3650', '-subj', '/CN=authority', '-keyout', self.key('ca'), '-out',
                self.cert('ca'))

    def cert(self, name):
        return os.path.join(self.folder, f'{name}.pem')

    def key(self, name):
        return os.path.join(self.folder, f'{name}.key')

    def issue(self, name, days=90, rsa=False, as_name=None, altnames=NAMES):
        """Vouches for a new key; over the files of `as_name` when given, by renaming."""
        kind = ['rsa:2048'] if rsa else ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
        request, names = self.cert(name + '-request'), self.cert(name + '-names')
        openssl('req', '-newkey', *kind, '-nodes', '-subj', f'/CN={name}', '-keyout',
                self.key(name), '-out', request)
        with open(names, 'w', encoding='ascii') as file:
            file.write(f'subjectAltName={altnames}\n')
        openssl('x509', '-req', '-in', request, '-CA', self.cert('ca'), '-CAkey', self.key('ca'),
                '-CAcreateserial', '-days', str(days), '-extfile', names, '-out', self.cert(name))
        if as_name:
            os.replace(self.key(name), self.key(as_name))
            os.replace(self.cert(name), self.cert(as_name))
        return self

    def options(self, name, prefix=''):
        return [f'--{prefix}tls-cert', self.cert(name), f'--{prefix}tls-key', self.key(name)]

    def client(self, certificate=None, alpn=('http/1.1',)):
        """An SSLContext that trusts our authority only."""
        context = ssl.create_default_context(cafile=self.cert('ca'))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(self.cert(certificate), self.key(certificate))
        return context
