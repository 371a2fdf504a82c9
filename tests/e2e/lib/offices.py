"""Back-offices in processes of their own before a process that has the desk, and a way between that
can be cut."""
import os
import shutil

from .desk import until_told
from .http import Http
from .server import Server
from .standby import Proxy
from .until import until


class Office(Server):
    """`overround serve --roles back-office`: it keeps nothing but the key that tokens are read
    with. Without an address the options say where the desk is."""

    def __init__(self, data, desk, address, *options, **named):
        self.asked_of = desk
        os.makedirs(os.path.join(data, 'keys'), mode=0o700)
        shutil.copy(os.path.join(desk.data, 'keys', 'jwt-hs256.key'), os.path.join(data, 'keys'))
        self.token_file = os.path.join(data, 'office.token')
        with open(self.token_file, 'w', encoding='ascii') as file:
            file.write(desk.token('office', 'back-office') + '\n')
        if address is not None:
            options = '--book', f'{address[0]}:{address[1]}', *options
        super().__init__(data, '--roles', 'back-office', '--token', self.token_file, *options,
                         **named)

    def start(self):
        self.spawn()
        self.public = self.admin = self.wait_address('back-office ')
        return self

    def call(self, method, path, body=None, who=('tom', 'trader'), **named):
        with Http(self.admin) as http:
            return http.request(method, path, body, who and self.token(*who), **named)

    def say(self, path, body=None, who='tom'):
        return self.call('POST', f'/v1/admin/{path}', body or {'reason': 'x'}, (who, 'trader'))

    def tell(self, path, have_it, body=None):
        """Until so many shards have it, which are all."""
        def shards():
            answer = self.say(path, body)
            assert answer.status == 200 or answer.code in ('BOOK_AWAY', 'ANSWER_DELAYED'), \
                answer.body
            return answer.json['shards'] if answer.status == 200 else None
        until_told(shards, have_it)

    def carried(self):
        return self.metric('overround_office_questions_total')

    def under_way(self):
        return self.metric('overround_office_under_way')


class Offices:
    """Some of them at one desk."""

    def __init__(self, desk, folder, count=2):
        self.desk = desk
        self.way = Proxy(desk.admin)
        self.all = [Office(str(folder / f'office-{n}'), desk, self.way.address).start()
                    for n in range(count)]
        self.until_ready()

    def until_ready(self):
        for office in self.all:
            until(office.is_ready)

    def moved(self):
        """The desk has begun again."""
        self.way.target = self.desk.admin

    def close(self):
        for office in self.all:
            office.kill()
        self.way.close()
