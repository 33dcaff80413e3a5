import socket

from commonpool.local.ports import becomes_free, find_free_ports, is_free


def test_free_ports_are_different_and_free() -> None:
    ports = find_free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_no_connection_gets_the_port_of_a_server_that_is_away() -> None:
    (port,) = find_free_ports(1)
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(server.getsockname()) as connection:
        assert port < connection.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert not becomes_free(port, 0.1)
    assert becomes_free(port, 5)
