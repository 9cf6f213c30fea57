"""Sessions with PostgreSQL through libpq itself: parameters travel as bytes, so that a test can send what no driver would."""
import ctypes

LIBPQ = ctypes.CDLL('libpq.so.5')
for name, result, *arguments in (
        ('PQconnectdb', ctypes.c_void_p, ctypes.c_char_p), ('PQstatus', ctypes.c_int, ctypes.c_void_p),
        ('PQerrorMessage', ctypes.c_char_p, ctypes.c_void_p), ('PQfinish', None, ctypes.c_void_p),
        ('PQbackendPID', ctypes.c_int, ctypes.c_void_p), ('PQexec', ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p),
        ('PQexecParams', ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
         ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int),
        ('PQresultStatus', ctypes.c_int, ctypes.c_void_p), ('PQclear', None, ctypes.c_void_p),
        ('PQresultErrorField', ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int), ('PQntuples', ctypes.c_int, ctypes.c_void_p),
        ('PQnfields', ctypes.c_int, ctypes.c_void_p),
        ('PQgetvalue', ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
        ('PQgetisnull', ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
        ('PQsendQuery', ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p), ('PQsocket', ctypes.c_int, ctypes.c_void_p)):
    function = getattr(LIBPQ, name)
    function.restype, function.argtypes = result, list(arguments)

DONE = (1, 2)                                     # PGRES_COMMAND_OK, PGRES_TUPLES_OK
COPYING = (3, 4)                                  # PGRES_COPY_OUT, PGRES_COPY_IN
LOST = 'lost'


class Refused(Exception):
    """What the server answered in place of rows: state is its SQLSTATE, or "lost" where the line broke."""

    def __init__(self, state, message, detail=''):
        super().__init__(f'{state}: {message} {detail}'.strip())
        self.state, self.message, self.detail = state, message, detail


class Session:
    """One connection."""

    def __init__(self, url):
        self.url = url
        self.handle = LIBPQ.PQconnectdb(f"{url} options='-c client_min_messages=error'".encode())
        if LIBPQ.PQstatus(self.handle) != 0:
            message = LIBPQ.PQerrorMessage(self.handle).decode(errors='replace')
            self.close()
            raise Refused(LOST, message)

    def close(self):
        if self.handle:
            LIBPQ.PQfinish(self.handle)
        self.handle = None

    def pid(self):
        return LIBPQ.PQbackendPID(self.handle)

    def ask(self, sql, *parameters):
        """Rows of text; parameters are text, bytes or None. Several statements at once where there are none."""
        if parameters:
            values = [value if isinstance(value, bytes) or value is None else str(value).encode() for value in parameters]
            array = (ctypes.c_char_p * len(values))(*values)
            result = LIBPQ.PQexecParams(self.handle, sql.encode(), len(values), None, array, None, None, 0)
        else:
            result = LIBPQ.PQexec(self.handle, sql if isinstance(sql, bytes) else sql.encode())
        try:
            return self.read(result)
        finally:
            LIBPQ.PQclear(result)

    def read(self, result):
        status = LIBPQ.PQresultStatus(result)
        if status in COPYING:
            url = self.url
            self.close()
            Session.__init__(self, url)
            return []
        if status not in DONE:
            field = [(LIBPQ.PQresultErrorField(result, ord(letter)) or b'').decode(errors='replace') for letter in 'CMD']
            if LIBPQ.PQstatus(self.handle) != 0:
                raise Refused(LOST, LIBPQ.PQerrorMessage(self.handle).decode(errors='replace'))
            raise Refused(*field)
        return [tuple(None if LIBPQ.PQgetisnull(result, row, column) else
                      LIBPQ.PQgetvalue(result, row, column).decode(errors='replace')
                      for column in range(LIBPQ.PQnfields(result))) for row in range(LIBPQ.PQntuples(result))]

    def value(self, sql, *parameters):
        return self.ask(sql, *parameters)[0][0]

    def send(self, sql):
        """Asks and does not wait for the answer."""
        LIBPQ.PQsendQuery(self.handle, sql.encode())

    def attempt(self, sql, *parameters):
        """What came of a statement in a transaction of its own that is taken back: (None, '') or SQLSTATE and message."""
        for begin, end in ('BEGIN', 'ROLLBACK'), (None, None):
            try:
                self.ask(begin or 'SELECT')
                self.ask(sql, *parameters)
                return None, ''
            except Refused as refused:
                # what cannot be taken back is tried without a transaction
                if refused.state != '25001' or not begin:
                    return refused.state, refused.message
            finally:
                if self.handle and end:
                    self.ask(end)
        return None, ''
