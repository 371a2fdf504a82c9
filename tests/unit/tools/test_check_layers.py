"""tools/check-layers: each rule is shown a tree that breaks it."""
import pytest

GOOD = {
    'src/base/slice.h': '#include <string.h>\n',
    'src/crypto/sha.c': '#include <openssl/evp.h>\n#include "base/slice.h"\n',
    'src/crypto/sha.h': '',
    'src/core/money.h': '#include <stdint.h>\n#include "base/slice.h"\n#include "crypto/sha.h"\n',
    'src/ledger/event.h': '#include "core/money.h"\n',
    'src/ports/stream.h': '#include "ledger/event.h"\n',
    'src/app/place.h': '#include "ports/stream.h"\n',
    'src/net/loop/loop.h': '#include <sys/epoll.h>\n#include "base/slice.h"\n',
    'src/net/http/http1.h': '#include "net/loop/loop.h"\n',
    'src/net/stream/tls.c': '#include <openssl/ssl.h>\n',
    'src/feeds/replay/file.h': '#include <bzlib.h>\n#include "ports/stream.h"\n',
    'src/feeds/betfair/mcm.h': '#include "core/money.h"\n',
    'src/adapters/embedded/log.h': '#include <fcntl.h>\n#include "ledger/event.h"\n',
    'src/roles/shared/problem.h': '#include "base/slice.h"\n',
    'src/roles/bet/bet.h': '#include "roles/shared/problem.h"\n#include "app/place.h"\n'
                           '#include "net/http/http1.h"\n',
    'src/roles/bet/bet_port.h': '#include "app/place.h"\n',
    'src/roles/bet/bet_service.h': '#include "app/place.h"\n',
    'src/roles/gateway/gateway.h': '#include "roles/bet/bet_port.h"\n',
    'src/cli/options/options.h': '#include "net/http/http1.h"\n',
    'src/load/load.h': '#include "net/http/http1.h"\n',
    'src/main.c': '#include "roles/bet/bet.h"\n#include "adapters/embedded/log.h"\n'
                  '#include "feeds/betfair/mcm.h"\n#include "load/load.h"\n',
}


@pytest.fixture
def good(tree):
    for name, text in GOOD.items():
        tree.write(name, text)
    return tree


def test_a_tree_that_keeps_the_order_passes(good):
    assert good.run('check-layers') == (0, '')


def test_an_empty_tree_is_an_error_and_not_a_pass(tree):
    assert tree.run('check-layers')[0] == 1


@pytest.mark.parametrize('file,include', [
    ('src/base/a.c', '"core/money.h"'),
    ('src/base/a.c', '"crypto/sha.h"'),
    ('src/crypto/a.c', '"core/money.h"'),
    ('src/core/a.c', '"ledger/event.h"'),
    ('src/core/a.c', '"net/http/http1.h"'),
    ('src/ledger/a.c', '"ports/stream.h"'),
    ('src/ports/a.h', '"app/place.h"'),
    ('src/app/a.c', '"net/http/http1.h"'),
    ('src/app/a.c', '"adapters/embedded/log.h"'),
    ('src/net/http/a.c', '"core/money.h"'),
    ('src/feeds/betfair/a.c', '"feeds/replay/file.h"'),
    ('src/feeds/betfair/a.c', '"ledger/event.h"'),
    ('src/feeds/betfair/a.c', '"app/place.h"'),
    ('src/adapters/redis/a.c', '"adapters/embedded/log.h"'),
    ('src/adapters/redis/a.c', '"app/place.h"'),
    ('src/roles/odds/a.c', '"roles/bet/bet.h"'),
    ('src/roles/odds/a.c', '"adapters/embedded/log.h"'),
    ('src/roles/odds/a.c', '"feeds/betfair/mcm.h"'),
    ('src/roles/shared/a.c', '"roles/bet/bet.h"'),
    ('src/roles/gateway/a.c', '"roles/bet/bet.h"'),
    ('src/roles/gateway/a.c', '"roles/bet/bet_service.h"'),
    ('src/roles/backoffice/a.c', '"roles/bet/bet_port.h"'),
    ('src/app/a.c', '"cli/options/options.h"'),
    ('src/roles/odds/a.c', '"cli/options/options.h"'),
    ('src/load/a.c', '"core/money.h"'),
    ('src/naive/a.c', '"ledger/event.h"'),
])
def test_an_include_against_the_order_is_found(good, file, include):
    good.write(file, f'/* a file */\n#include {include}\n')
    status, output = good.run('check-layers')
    assert status == 1
    assert output.startswith(f'{file}:2: ') and 'may not include' in output
    assert output.count('\n') == 1


@pytest.mark.parametrize('file,include', [
    ('src/base/a.c', '<openssl/evp.h>'),
    ('src/net/http/a.c', '<openssl/evp.h>'),
    ('src/crypto/a.c', '<openssl/ssl.h>'),
    ('src/feeds/betfair/a.c', '<zlib.h>'),
    ('src/app/a.c', '<hiredis/hiredis.h>'),
    ('src/adapters/kafka/a.c', '<libpq-fe.h>'),
    ('src/main.c', '<openssl/evp.h>'),
])
def test_a_library_outside_its_folder_is_found(good, file, include):
    good.write(file, f'#include {include}\n')
    status, output = good.run('check-layers')
    assert status == 1 and f'{include} belongs to' in output


@pytest.mark.parametrize('folder', ['core', 'ledger'])
@pytest.mark.parametrize('header', ['time.h', 'stdio.h', 'sys/socket.h', 'pthread.h', 'math.h'])
def test_time_disk_and_network_stay_out_of_the_pure_folders(good, folder, header):
    good.write(f'src/{folder}/a.c', f'#include <{header}>\n')
    status, output = good.run('check-layers')
    assert status == 1 and 'is pure' in output


def test_a_library_that_nobody_has_placed_is_found(good):
    good.write('src/net/a.c', '#include <uv.h>\n')
    status, output = good.run('check-layers')
    assert status == 1 and '<uv.h>' in output


@pytest.mark.parametrize('line,word', [
    ('#include "slice.h"', 'not written from src on'),
    ('#include "../base/slice.h"', 'not written from src on'),
    ('#include "base/nothing.h"', 'does not exist'),
    ('#include "base/code.c"', 'not a header'),
    ('#include HEADER', 'macro'),
    ('  #  include   "app/place.h"', 'may not include'),
    ('#include "app/place.h" // why not', 'may not include'),
])
def test_ways_around_the_rule_are_found(good, line, word):
    good.write('src/base/code.c', '').write('src/base/b.c', line + '\n')
    status, output = good.run('check-layers')
    assert status == 1 and word in output


def test_an_include_in_a_comment_is_not_an_include(good):
    good.write('src/base/b.c', '/* never\n#include "app/place.h"\n*/\n')
    assert good.run('check-layers') == (0, '')


def test_a_folder_that_the_order_does_not_know_is_found(good):
    good.write('src/misc/a.c', '#include "base/slice.h"\n')
    status, output = good.run('check-layers')
    assert status == 1 and 'misc has no place' in output
