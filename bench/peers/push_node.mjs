// A publisher's messages to all subscribers: the plain way with npm's ws, the fast one with Bun.
const port = Number(process.argv[2]);
if (typeof Bun === 'undefined') {
    const {WebSocketServer} = await import(process.argv[3]);
    const server = new WebSocketServer({host: '127.0.0.1', port, perMessageDeflate: false});
    const subscribed = new Set();
    server.on('connection', (socket, request) => {
        if (request.url === '/publish')
            socket.on('message', (message) => {
                for (const one of subscribed)
                    one.send(message, {binary: false});
            });
        else
            socket.on('message', () => subscribed.add(socket));
    });
} else {
    const server = Bun.serve({
        hostname: '127.0.0.1', port,
        fetch(request, self) {
            const publishes = new URL(request.url).pathname === '/publish';
            return self.upgrade(request, {data: {publishes}}) ? undefined :
                new Response('', {status: 400});
        },
        websocket: {
            perMessageDeflate: false, idleTimeout: 0, backpressureLimit: 16 << 20,
            message(socket, message) {
                if (socket.data.publishes)
                    server.publish('market', message);
                else
                    socket.subscribe('market');
            },
        },
    });
}
