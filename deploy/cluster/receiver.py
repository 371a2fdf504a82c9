#!/usr/bin/python3
"""receiver.py PORT FILE - stands for whoever wants to know what bets came to: takes notices by POST
on 127.0.0.1 and appends each to FILE as a line, those it has already (webhook-id) once."""
import http.server
import sys


class Notices(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    known = set()
    file = None

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        ident = self.headers.get('webhook-id')
        if ident not in self.known:
            self.known.add(ident)
            self.file.write(body + b'\n')
            self.file.flush()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass  # each notice is in the file


def main():
    with open(sys.argv[2], 'ab') as Notices.file:
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Notices).serve_forever()


if __name__ == '__main__':
    main()
