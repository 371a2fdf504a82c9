"""deploy/cluster/local_ports.py: a port that is found free is still free when it is bound."""
import os
import socket
import subprocess
import sys

HERE = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'deploy', 'cluster')
sys.path.insert(0, HERE)
import local_ports  # noqa: E402


def test_ports_are_all_different_and_none_is_the_kernels_to_give():
    ports = local_ports.free_ports(300)
    assert len(set(ports)) == 300
    assert all(1024 < port < local_ports.kernels_lowest() for port in ports)


def test_a_port_for_a_bus_has_another_one_that_is_free():
    for port in local_ports.free_ports(20, bus=True):
        with socket.socket() as bus:
            bus.bind(('127.0.0.1', port + local_ports.BUS))


def test_a_port_that_somebody_has_is_not_found(monkeypatch):
    taken, free = local_ports.free_ports(2)
    held = local_ports.bind(taken)
    tried = iter([taken, taken, free])
    monkeypatch.setattr(local_ports, 'given', set())
    monkeypatch.setattr(local_ports.random, 'randint', lambda *_: next(tried))
    assert local_ports.free_ports(1) == [free]
    held.close()


def test_a_port_is_given_once(monkeypatch):
    first, second = local_ports.free_ports(2)
    tried = iter([first, first, second, second, 1 + local_ports.LOWEST])
    monkeypatch.setattr(local_ports.random, 'randint', lambda *_: next(tried))
    monkeypatch.setattr(local_ports, 'given', set())
    assert local_ports.free_ports(1) + local_ports.free_ports(1) == [first, second]


def test_where_the_kernel_gives_all_of_them_one_of_those_is_found(monkeypatch):
    monkeypatch.setattr(local_ports, 'kernels_lowest', lambda: 1024)
    assert 0 < local_ports.free_ports(1, bus=True)[0] < 65536 - local_ports.BUS


def test_as_a_program_it_prints_one():
    done = subprocess.run([sys.executable, os.path.join(HERE, 'local_ports.py'), '--bus'],
                          stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) > 1024
