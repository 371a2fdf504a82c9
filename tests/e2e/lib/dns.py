"""A name server of a test's own: names to addresses, as they are at that moment."""
import socket
import struct
import threading

A, NO_SUCH_NAME, RESPONSE = 1, 3, 0x8400


def question_of(message):
    """The name, the type, and where the question ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode('ascii').lower())
        at += 1 + message[at]
    return '.'.join(labels), struct.unpack_from('>H', message, at + 1)[0], at + 5


class NameServer:
    """`names`: each one's IPv4 addresses; one that is not among them does not exist."""

    def __init__(self, **names):
        self.names = {name.replace('_', '.'): list(addresses) for name, addresses in names.items()}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.socket.getsockname()[1]
        self.asked = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            message, client = self.socket.recvfrom(512)
            if len(message) < 12:
                return  # from close()
            self.socket.sendto(self.answer(message), client)

    def answer(self, message):
        name, kind, end = question_of(message)
        self.asked.append(name)
        found = self.names.get(name)
        addresses = found if found and kind == A else []
        code = RESPONSE | (NO_SUCH_NAME if found is None else 0)
        head = message[:2] + struct.pack('>HHHHH', code, 1, len(addresses), 0, 0)
        records = [struct.pack('>HHHIH', 0xc00c, A, 1, 0, 4) + socket.inet_aton(address)
                   for address in addresses]
        return head + message[12:end] + b''.join(records)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b'end', self.socket.getsockname())
