"""A book with fronts in processes of their own before it, and a way between that can be cut."""
import os
import shutil

from .bettor import Bettor
from .server import Server
from .standby import Proxy


class Front(Server):
    """`overround serve --roles gateway`: it keeps nothing but the key that tokens are read with.
    Without an address the options say where the books are."""
    says = 'front '

    def __init__(self, data, book, address, *options, **named):
        self.book = book
        os.makedirs(os.path.join(data, 'keys'), mode=0o700)
        shutil.copy(os.path.join(book.data, 'keys', 'jwt-hs256.key'), os.path.join(data, 'keys'))
        self.token_file = os.path.join(data, 'gateway.token')
        with open(self.token_file, 'w', encoding='ascii') as file:
            file.write(book.token('gateway-1', 'gateway') + '\n')
        if address is not None:
            options = '--book', f'{address[0]}:{address[1]}', *options
        super().__init__(data, '--roles', 'gateway', '--token', self.token_file, *options,
                         **named)


class Customer(Bettor):
    """Bets at a front, at the prices that the book shows."""

    def odds(self, market, selection):
        return Bettor(self.server.book, name=self.name, money=None).odds(market, selection)


class Fronts:
    """What tests call a book; `server` is the front that customers use."""

    def __init__(self, book, folder, count=2):
        self.book, self.feed = book, book.feed
        self.way = Proxy(book.server.admin)
        self.fronts = [Front(str(folder / f'front-{n}'), book.server, self.way.address).start()
                       for n in range(count)]
        self.server = self.fronts[0] if self.fronts else None

    def bettor(self, at=None, **named):
        return Customer(at or self.server, **named)

    def restart_book(self):
        self.book.server.start()
        self.way.target = self.book.server.admin
        self.feed.again()

    def close(self):
        for front in self.fronts:
            front.kill()
        self.way.close()
