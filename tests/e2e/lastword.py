"""A line to the server that is silent from the last word of an upload on."""
import socket
import threading


class LastWord:
    """Carries all until a workspace says that its upload is complete. heard: the server hears that, and commits; else it does not.
    Either way the workspace never gets an answer: said is set when it waits for one in vain."""

    def __init__(self, port, heard):
        self.to, self.heard, self.said, self.open = port, heard, threading.Event(), []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(('127.0.0.1', self.to))
            self.open += [near, far]
            last = threading.Event()
            threading.Thread(target=self.carry_there, args=(near, far, last), daemon=True).start()
            threading.Thread(target=self.carry_back, args=(far, near, last), daemon=True).start()

    def carry_there(self, near, far, last):
        try:
            while data := near.recv(65536):
                if b'api.upload_end' in data:
                    last.set()
                    if not self.heard:
                        far.shutdown(socket.SHUT_RDWR)     # closing alone does not reach the server while another thread reads there
                        self.said.set()
                        return
                far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def carry_back(self, far, near, last):
        try:
            while data := far.recv(65536):
                if last.is_set():
                    self.said.set()
                    return
                near.sendall(data)
            if not last.is_set():
                near.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        """From now on nobody gets through, and who waits hears that."""
        self.listener.close()
        for end in self.open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
