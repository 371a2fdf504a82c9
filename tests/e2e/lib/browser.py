"""A headless Chromium, driven over its DevTools socket."""
import base64
import json
import shutil
import subprocess
import tempfile
from urllib.parse import quote, urlsplit

from .http import Http
from .until import until
from .ws import WebSocket


class Browser:
    """One browser with a profile of its own."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix='overround-browser-')
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
             '--disable-dev-shm-usage', '--disable-extensions', '--hide-scrollbars',
             '--force-color-profile=srgb', '--remote-debugging-port=0',
             '--remote-allow-origins=*', f'--user-data-dir={self.profile}', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith('DevTools listening on '):
                url = urlsplit(line.split()[-1])
                self.address = url.hostname, url.port
                return self
        raise AssertionError('the browser does not start')

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def page(self, url, width=1280, height=900):
        with Http(self.address, foreign=True) as http:
            target = http.request('PUT', f'/json/new?{quote(url, safe="")}').json
        page = Page(self.address, urlsplit(target['webSocketDebuggerUrl']).path)
        page.call('Runtime.enable')
        # Several pages are looked at together: none of them is in the background.
        page.call('Emulation.setFocusEmulationEnabled', enabled=True)
        page.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        return page


class Navigated(Exception):
    """The page went away while it was asked."""


class Page:
    """One tab. `errors` collects what its scripts threw."""

    def __init__(self, address, path):
        self.socket = WebSocket(address, path=path, foreign=True)
        self.number, self.errors = 0, []
        assert self.socket.handshake.status == 101, self.socket.handshake

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send_frame(1, json.dumps({'id': self.number, 'method': method,
                                              'params': parameters}).encode())
        while True:
            message = self.socket.receive(60)
            if message.get('method') == 'Runtime.exceptionThrown':
                self.errors.append(message['params']['exceptionDetails'])
            if message.get('id') == self.number:
                if 'navigated' in message.get('error', {}).get('message', ''):
                    raise Navigated
                assert 'error' not in message, message
                return message['result']

    def run(self, script):
        """The value of a JavaScript expression, promises awaited."""
        answer = self.call('Runtime.evaluate', expression=script, awaitPromise=True,
                           returnByValue=True, userGesture=True)
        assert 'exceptionDetails' not in answer, answer
        return answer['result'].get('value')

    def wait(self, script, seconds=60):
        """Waits until the expression is true; answers its value."""
        def look():
            try:
                return self.run(script)
            except Navigated:
                return None
        return until(look, seconds, 0.1)

    def reload(self):
        """Until the new page is there."""
        self.run('window.old = true')
        self.call('Page.reload')
        self.wait('!window.old && document.readyState == "complete"')

    @staticmethod
    def found(selector):
        """JavaScript for: there is such an element."""
        return f'!!document.querySelector({json.dumps(selector)})'

    @staticmethod
    def text(selector):
        """JavaScript for: the text of such an element, as it is seen; "" without one."""
        return f'(document.querySelector({json.dumps(selector)})?.innerText ?? "")'

    def click(self, selector):
        """Once there is such an element that can be clicked."""
        at = f'document.querySelector({json.dumps(selector)})'
        self.wait(f'{at} && !{at}.disabled && {at}.getClientRects().length > 0')
        self.run(f'{at}.scrollIntoView({{block: "center"}}), {at}.click()')

    def fill(self, selector, value):
        """As if typed there."""
        self.put(selector, value, 'input')

    def pick(self, selector, value):
        """An option of a list."""
        self.put(selector, value, 'change')

    def put(self, selector, value, event):
        at = f'document.querySelector({json.dumps(selector)})'
        self.wait(f'{at} && !{at}.disabled && {at}.getClientRects().length > 0')
        self.run(f'{at}.value = {json.dumps(value)}, '
                 f'{at}.dispatchEvent(new Event("{event}", {{bubbles: true}}))')

    def screenshot(self, path):
        image = self.call('Page.captureScreenshot', format='png')['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(image))
