#!/usr/bin/python3
"""What a client that forges its calls of api.apply cannot do with records, times and transactions, each for the one rule that stands in the way."""
import contextlib
import json
import uuid

from decisions import AGENT, Decisions, applied, insert, refused
from guarded import ROLES, change, make_distributor
from libpq import Refused
from tower import ROOT as SOURCE
from tower import run_tests

SERVER = Decisions('forged')
ROOT = SERVER.root
with open(f'{SOURCE}/schema/policy.json', encoding='utf-8') as whole:
    POLICY = json.load(whole)


def distributor():
    row = str(uuid.uuid4())
    ROOT.ask("INSERT INTO app.distributors (id, legal_name, currency, region) VALUES ($1, 'A', 'EUR', 'north')", row)
    return row


def order(status='draft'):
    row, whose = str(uuid.uuid4()), distributor()
    ROOT.ask("INSERT INTO app.orders (id, distributor_id, currency, status) VALUES ($1, $2, 'EUR', $3)", row, whose, status)
    return row, whose


def invoice(state='issued'):
    row, (of_order, whose) = str(uuid.uuid4()), order()
    ROOT.ask("INSERT INTO app.invoices (id, order_id, distributor_id, amount_minor, currency, state) VALUES ($1, $2, $3, 100, 'EUR', $4)",
             row, of_order, whose, state)
    return row


def shipment():
    row = str(uuid.uuid4())
    ROOT.ask('INSERT INTO app.shipments (id, order_id) VALUES ($1, $2)', row, order()[0])
    return row


def product():
    row = str(uuid.uuid4())
    ROOT.ask("INSERT INTO app.products (id, sku, name) VALUES ($1, $2, 'A')", row, row)
    return row


# What makes a row of each table that files can bring, and a change of one.
IMPORTED = {
    'distributors': (lambda: {'legal_name': 'A', 'currency': 'EUR', 'region': 'north'}, distributor, {'credit_limit_minor': [None, 1]}),
    'contacts': (lambda: {'distributor_id': distributor(), 'name': 'A'}, None, None),
    'products': (lambda: {'sku': str(uuid.uuid4()), 'name': 'A'}, product, {'stock_milli': [None, 1]}),
    'orders': (lambda: {'distributor_id': distributor(), 'currency': 'EUR'}, lambda: order()[0], {'status': ['draft', 'confirmed']}),
    'order_lines': (lambda: {'order_id': order()[0], 'position': 1, 'sku': 'A', 'quantity_milli': 1, 'unit_price_minor': 1,
                             'total_minor': 1}, None, None),
    'invoices': (lambda: dict(zip(('order_id', 'distributor_id'), order()), amount_minor=1, currency='EUR'), invoice,
                 {'state': ['issued', 'paid']}),
    'shipments': (lambda: {'order_id': order()[0]}, shipment, {'state': ['planned', 'delivered']}),
    'shipment_events': (lambda: {'shipment_id': shipment(), 'kind': 'A', 'happened_at': 1}, None, None),
    'documents': (lambda: {'distributor_id': distributor(), 'kind': 'A'}, None, None),
}


IMPORTED_AS = {table: rule['as']['update'] for table, rule in POLICY['import.chunk']['writes'].items()}


def brings(table):
    """The change that adds such a row."""
    return insert(table, uuid.uuid4(), **IMPORTED[table][0]())


def changes_one(table):
    return change(table, IMPORTED[table][1](), 'update', **IMPORTED[table][2])


def test_import_is_no_way_around_roles():
    """An import adds and edits what the login could add and edit by hand, and nothing else."""
    writes = POLICY['import.chunk']['writes']
    assert set(writes) == set(IMPORTED)
    let = 0
    for login in ROLES:
        for table, rule in writes.items():
            for operation, make in ('insert', brings), ('update', changes_one):
                if operation == 'update' and IMPORTED[table][1] is None:
                    continue
                answer = SERVER.device(login).push('import.chunk', make(table))
                if login not in POLICY['import.chunk']['roles']:
                    refused(answer, 'none of your roles may run import.chunk')
                elif login not in POLICY[rule['as'][operation]]['roles']:
                    refused(answer, f"none of your roles may run {rule['as'][operation]}")
                else:
                    applied(answer)
                    let += 1
    assert let > 20, let
    for login, table in ('sales', 'invoices'), ('logistics', 'distributors'):
        SERVER.rule_holds(lambda login=login, table=table: SERVER.device(login).push('import.chunk', changes_one(table)), 'none of your roles',
                          'sync.refusal_as', 'one IS NOT NULL AND sync.role_for(one) IS NULL')
    # one row that it may not write keeps out all of them
    before = ROOT.value('SELECT count(*) FROM app.orders')
    made = order()[0]
    refused(SERVER.device('sales').push('import.chunk', change('orders', made, 'update', status=['draft', 'confirmed']), changes_one('invoices')),
            'none of your roles')
    assert ROOT.value('SELECT status FROM app.orders WHERE id = $1', made) == 'draft' and int(before) > 0


def test_import_takes_no_other_steps():
    """From state to state an import goes as an edit does."""
    SERVER.rule_holds(lambda: SERVER.device('accounting').push('import.chunk', change('invoices', invoice('void'), 'update', state=['void', 'paid'])),
                      'may not take invoices.state', 'sync.refusal', 'coalesce(p.writes -> table_name -> c.key, one -> c.key)',
                      'p.writes -> table_name -> c.key')
    refused(SERVER.device('sales').push('import.chunk', change('orders', order('closed')[0], 'update', status=['closed', 'draft'])),
            'may not take orders.status')
    # what a file says of a new record is how it begins
    applied(SERVER.device('sales').push('import.chunk', insert('orders', uuid.uuid4(), distributor_id=distributor(), currency='EUR', status='closed')))


def moved(table, column, login):
    """A change that takes a record from what it belongs to to another of the same kind."""
    row = str(uuid.uuid4())
    applied(SERVER.device('admin').push('import.chunk', insert(table, row, **IMPORTED[table][0]())))
    was = ROOT.value(f'SELECT {column} FROM app.{table} WHERE id = $1', row)
    other = {'order_id': lambda: order()[0], 'distributor_id': distributor, 'shipment_id': shipment}[column]()
    return SERVER.device(login).push('import.chunk', change(table, row, 'update', **{column: [was, other]}))


def test_import_moves_nothing():
    """To another order, distributor or shipment an import takes a record only where an edit does."""
    moves = [('contacts', 'distributor_id', 'sales'), ('order_lines', 'order_id', 'sales'), ('invoices', 'order_id', 'accounting'),
             ('invoices', 'distributor_id', 'accounting'), ('shipments', 'order_id', 'logistics'),
             ('shipment_events', 'shipment_id', 'logistics'), ('documents', 'distributor_id', 'sales')]
    for table, column, login in moves:
        def attempt(table=table, column=column, login=login):
            return moved(table, column, login)
        SERVER.rule_holds(attempt, f'import.chunk may not write {table}.{column}', 'sync.refusal', 'NOT allowed ? c.key')
    for table, column in ('orders', 'distributor_id'), ('documents', 'order_id'):
        assert column in POLICY[IMPORTED_AS[table]]['writes'][table]['update']
        applied(moved(table, column, 'sales'))


def test_who_undoes():
    """What the policy lets nobody take back stays, and who may no longer give a command does not take it back either."""
    SERVER.server('add-user', 'mia', '--role', 'sales', '--role', 'accounting', '--scope', 'region:north',
                  '--user-password-file', SERVER.secret('mia'))
    mia = SERVER.device('mia')

    def undo(command, role='accounting'):
        ROOT.ask('GRANT tower_accounting TO mia')
        paid = invoice()
        applied(mia.push(command, change('invoices', paid, 'update', state=['issued', 'paid'])))
        if role is None:
            ROOT.ask('REVOKE tower_accounting FROM mia')
        return mia.push('command.undo', change('invoices', paid, 'update', state=['paid', 'issued']), undoes=mia.command)
    SERVER.rule_holds(lambda: undo('import.chunk'), 'import.chunk cannot be undone', 'sync.read_undo',
                      'NOT (SELECT p.undo FROM sync.policy p WHERE p.command = name)', 'false')
    SERVER.rule_holds(lambda: undo('invoice.edit', None), 'none of your roles may run invoice.edit', 'sync.read_undo', 'sync.role_for(name) IS NULL',
                      'false')
    applied(undo('invoice.edit'))


def test_undo_is_the_inverse():
    """What a row had is what it had here, and an undo gives that back: not what a device says that there was."""
    sales, accounting = SERVER.device('sales'), SERVER.device('accounting')
    rows = priced(900)
    whole, line = (row['id'] for row in rows)
    applied(sales.push('order.create', *rows))

    def total():
        return ROOT.ask('SELECT o.total_minor, l.total_minor FROM app.orders o JOIN app.order_lines l ON l.order_id = o.id WHERE o.id = $1', whole)
    # somebody had made it so before: there is nothing to take back
    forged = change('orders', whole, 'update', total_minor=[1, 900]), change('order_lines', line, 'update', total_minor=[1, 900])
    applied(sales.push('order.edit', *forged))
    refused(sales.push('command.undo', change('orders', whole, 'update', total_minor=[900, 1]),
                       change('order_lines', line, 'update', total_minor=[900, 1]), undoes=sales.command), 'was so already')
    assert total() == [('900', '900')], total()
    # nor is a state given back that there was only in the middle of a command
    fewer = {'quantity_milli': [4000, 2000], 'total_minor': [900, 450]}
    more = {name: pair[::-1] for name, pair in fewer.items()}
    applied(sales.push('order.edit', change('order_lines', line, 'update', **fewer), change('order_lines', line, 'update', **more)))
    applied(sales.push('command.undo', change('order_lines', line, 'update', **fewer), undoes=sales.command))
    assert total() == [('900', '900')], total()
    # a line that goes is the one that is there, whole
    said = {'position': [1, None], 'sku': ['A', None], 'quantity_milli': [4000, None], 'unit_price_minor': [250, None], 'order_id': [whole, None]}
    refused(sales.push('order.edit', change('order_lines', line, 'delete', **said, total_minor=[1, None])), 'somebody changed the same')
    refused(sales.push('order.edit', change('order_lines', line, 'delete', **said, total_minor=[1, 900])), 'none after it is deleted')
    refused(sales.push('order.create', insert('orders', uuid.uuid4(), distributor_id=distributor(), currency='EUR')
                       | {'columns': {'currency': ['USD', 'EUR']}}), 'no values before it is added')
    applied(sales.push('order.edit', change('order_lines', line, 'delete', total_minor=[900, None])))
    applied(sales.push('command.undo', change('order_lines', line, 'insert', total_minor=[None, 1]), undoes=sales.command))
    assert ROOT.ask('SELECT order_id, quantity_milli, discount_bp, total_minor FROM app.order_lines WHERE id = $1', line) \
        == [(whole, '4000', '1000', '900')]
    # no step of an invoice is taken so that the policy does not have
    void = invoice('void')
    applied(accounting.push('invoice.edit', change('invoices', void, 'update', state=['paid', 'void'])))
    refused(accounting.push('command.undo', change('invoices', void, 'update', state=['void', 'paid']), undoes=accounting.command), 'was so already')
    assert ROOT.value('SELECT state FROM app.invoices WHERE id = $1', void) == 'void'


def test_two_made_the_same_edit():
    """What somebody else had made so before is theirs: it stays when the second one takes their own edit back, and what that one
    did beside it goes."""
    first, second, row = SERVER.device('admin'), SERVER.device('sales'), distributor()
    edit = change('distributors', row, 'update', city=['', 'Tartu'])

    def now():
        return ROOT.ask('SELECT city, notes FROM app.distributors WHERE id = $1', row)[0]
    applied(first.push('distributor.edit', edit))
    answer = second.push('distributor.edit', change('distributors', row, 'update', city=['', 'Tartu'], notes=['', 'mine']))
    applied(answer)
    leaf = json.loads(ROOT.value("SELECT value FROM audit.disclosures WHERE ev_id = $1 AND field = 'changes'", answer['leaf']))
    assert leaf[0]['columns'] == {'city': ['Tartu', 'Tartu'], 'notes': ['', 'mine']}, leaf
    applied(second.push('command.undo', change('distributors', row, 'update', city=['Tartu', ''], notes=['mine', '']), undoes=second.command))
    assert now() == ('Tartu', ''), now()
    applied(second.push('distributor.edit', edit))
    refused(second.push('command.undo', change('distributors', row, 'update', city=['Tartu', '']), undoes=second.command), 'was so already')
    assert now() == ('Tartu', ''), now()
    # the first one's is theirs to take back: not by another device's word, but by their own
    applied(first.push('distributor.edit', change('distributors', row, 'update', city=['Tartu', 'Riga'])))
    applied(first.push('command.undo', change('distributors', row, 'update', city=['Riga', 'Tartu']), undoes=first.command))
    assert now() == ('Tartu', ''), now()
    # what changes nothing says nothing of another value
    answer = first.push('distributor.edit', change('distributors', row, 'update', credit_limit_minor=[999999, None]))
    assert json.loads(ROOT.value("SELECT value FROM audit.disclosures WHERE ev_id = $1 AND field = 'changes'", answer['leaf']))[0]['columns'] \
        == {'credit_limit_minor': [None, None]}, answer


def test_actions_are_decided_by_who_says_so():
    """Nobody takes up, or declines, what was proposed in another person's name; who has done so may take it back."""
    accounting = SERVER.device('accounting')

    def decide(command, name):
        row, task = str(uuid.uuid4()), SERVER.task()
        ROOT.ask("INSERT INTO app.proposed_actions (id, task_id, action) VALUES ($1, $2, 'a')", row, task)
        then = {'action.accept': 'accepted', 'action.decline': 'declined'}[command]
        applied(accounting.push(command, change('proposed_actions', row, 'update', state=['proposed', then], decided_by=[None, name],
                                                decided_at=[None, 1])))
        return row, ROOT.value('SELECT decided_by FROM app.proposed_actions WHERE id = $1', row)
    for command in 'action.accept', 'action.decline':
        assert decide(command, 'berta')[1] == 'accounting'
        row, name = decide(command, 'accounting')
        assert name == 'accounting'
        applied(accounting.push('command.undo', undoes=accounting.command))
        assert ROOT.ask('SELECT state, decided_by, decided_at FROM app.proposed_actions WHERE id = $1', row) == [('proposed', None, None)]
        with no_trigger('proposed_actions', 'then_sign'):
            assert decide(command, 'berta')[1] == 'berta'


def exception():
    row = ROOT.value('SELECT exception_id FROM app.follow_up_tasks WHERE id = $1', SERVER.task(amount=100))
    return change('exceptions', row, 'update', value_at_risk_minor=[100, 1])


def test_service_detects():
    """What exceptions are worth, and that a time was missed, the service says: approvals are judged by it."""
    condition = "app.has_role(session_user, 'agent')"
    SERVER.rule_holds(lambda: SERVER.device('accounting').push('exceptions.detect', exception()), 'service_works',
                      'app.where_service_works', condition, 'true')

    def missed():
        return insert('sla_events', uuid.uuid4(), subject_type='task', subject_id=SERVER.task(), target='resolution', instance=1, event='breach')
    SERVER.rule_holds(lambda: SERVER.device('accounting').push('task.breach', missed()), 'service_works', 'app.where_service_works', condition, 'true')
    refused(SERVER.device('admin').push('exceptions.detect', exception()), 'service_works')
    applied(SERVER.device('agent').push('exceptions.detect', exception()))
    applied(SERVER.device('agent').push('task.breach', missed()))


def priced(total, **columns):
    """An order with that total and one line of 4 × 2.50 less 10 %, 900 in minor units; columns: what the line says otherwise."""
    whole = str(uuid.uuid4())
    return [insert('orders', whole, distributor_id=distributor(), currency='EUR', total_minor=total),
            insert('order_lines', uuid.uuid4(), order_id=whole, **{'position': 1, 'sku': 'A', 'quantity_milli': 4000, 'unit_price_minor': 250,
                                                                  'discount_bp': 1000, 'total_minor': 900, **columns})]


def test_totals():
    """Lines come to what their prices give, orders to what their lines give: also where one of them is changed, goes, or is brought
    back. Only what files state is taken as it stands."""
    sales = SERVER.device('sales')
    applied(sales.push('order.create', *priced(900)))
    applied(sales.push('order.create', *reversed(priced(900))))
    SERVER.rule_holds(lambda: sales.push('order.create', *priced(901)), 'come to 900, its total says 901', 'sync.check_total',
                      'whole.total_minor <> lines')
    SERVER.rule_holds(lambda: sales.push('order.create', *priced(5, total_minor=5)), 'comes to 900, not to 5', 'sync.check_total',
                      'line.total_minor <> sync.line_total(line.quantity_milli, line.unit_price_minor, line.discount_bp)')

    def made(total=900):
        rows = priced(total)
        applied(sales.push('order.create', *rows))
        return rows[0]['id'], rows[1]['id']

    def changed(*changes):
        return sales.push('order.edit', *changes)

    def fewer():
        whole, line = made()
        del whole
        return changed(change('order_lines', line, 'update', quantity_milli=[4000, 2000], total_minor=[900, 450]))

    def another():
        return changed(insert('order_lines', uuid.uuid4(), order_id=made()[0], position=2, sku='B', quantity_milli=1000, unit_price_minor=1,
                              total_minor=1))

    def gone():
        """One of two lines, which does not say whose it was."""
        whole, line = made()
        applied(changed(insert('order_lines', uuid.uuid4(), order_id=whole, position=2, sku='B', quantity_milli=1000, unit_price_minor=1,
                               total_minor=1), change('orders', whole, 'update', total_minor=[900, 901])))
        return changed(change('order_lines', line, 'delete'))
    condition = 'whole.total_minor <> lines'
    SERVER.rule_holds(lambda: changed(change('orders', made()[0], 'update', total_minor=[900, 1])), 'its total says 1', 'sync.check_total', condition)
    SERVER.rule_holds(fewer, 'come to 450', 'sync.check_total', condition)
    SERVER.rule_holds(another, 'come to 901', 'sync.check_total', condition)
    SERVER.rule_holds(gone, 'come to 1, its total says 901', 'sync.check_total', condition)
    # without lines it is what somebody says; with them it is not, however it came there
    whole = str(uuid.uuid4())
    applied(sales.push('order.create', insert('orders', whole, distributor_id=distributor(), currency='EUR', total_minor=5)))
    applied(changed(change('orders', whole, 'update', total_minor=[5, 900])))
    said = sales.command
    applied(changed({**priced(0)[1], 'columns': {**priced(0)[1]['columns'], 'order_id': [None, whole]}}))
    SERVER.rule_holds(lambda: sales.push('command.undo', change('orders', whole, 'update', total_minor=[900, 5]), undoes=said),
                      'its total says 5', 'sync.check_total', condition)
    applied(sales.push('import.chunk', *priced(5, total_minor=7)))


def test_totals_given_back():
    """An undo gives lines and total back as a file stated them, never the one without the other, whichever a device names."""
    sales = SERVER.device('sales')

    def edited():
        """An order whose file says 10 more than its lines, for tax, then edited by hand: it, both lines, and the inverse of that."""
        rows = priced(910)
        whole, line, added = rows[0]['id'], rows[1]['id'], str(uuid.uuid4())
        applied(sales.push('import.chunk', *rows))
        applied(sales.push('order.edit', change('orders', whole, 'update', total_minor=[910, 451]),
                           change('order_lines', line, 'update', quantity_milli=[4000, 2000], total_minor=[900, 450]),
                           insert('order_lines', added, order_id=whole, position=2, sku='B', quantity_milli=1000, unit_price_minor=1, total_minor=1)))
        return whole, sales.command, [
            change('order_lines', added, 'delete', order_id=[whole, None], position=[2, None], sku=['B', None], quantity_milli=[1000, None],
                   unit_price_minor=[1, None], total_minor=[1, None]),
            change('order_lines', line, 'update', quantity_milli=[2000, 4000], total_minor=[450, 900]),
            change('orders', whole, 'update', total_minor=[451, 910])]

    def undone(*which):
        whole, command, inverse = edited()
        answer = sales.push('command.undo', *(inverse[i] for i in which), undoes=command)
        if answer['outcome'] == 'applied':
            assert ROOT.value("SELECT concat_ws(' ', o.total_minor, sum(l.total_minor)) FROM app.orders o JOIN app.order_lines l ON l.order_id = o.id"
                            ' WHERE o.id = $1 GROUP BY o.id', whole) == '910 900'
        return answer
    applied(undone(0, 1, 2))
    applied(undone(2, 1, 0))
    with no_trigger('order_lines', 'note_undone'):
        refused(undone(0, 1, 2), 'its total says 910')
    for which in (), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2):
        applied(undone(*which))
    # a transaction of several commands: each for itself, whatever was said of the one before
    whole = edited()[0]
    sales.session.ask(f"BEGIN; SET LOCAL tower.undone = '{whole}'")
    refused(sales.push('order.edit', change('orders', whole, 'update', total_minor=[451, 5])), 'its total says 5')
    sales.session.ask('COMMIT')


# Columns that a command may write and a constraint asks about at the end, though the table does not name them as such.
LEFT_TO_COMMIT = """SELECT c.conname || ' ' || x.name FROM pg_constraint c JOIN sync.tables t ON c.conrelid = format('app.%I', t.name)::regclass
  LEFT JOIN pg_trigger g ON g.tgconstraint = c.oid AND c.contype = 't'
  JOIN sync.columns x ON x.tbl = t.id AND x.kind IN ('data', 'parent', 'subject', 'derived', 'stamp') AND x.name <> ALL (t.checked)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = x.name
    AND CASE c.contype WHEN 'f' THEN a.attnum = ANY (c.conkey) ELSE a.attnum = ANY (g.tgattr) OR g.tgattr::text = '' END
  WHERE c.condeferrable AND (c.contype = 'f' OR c.contype = 't' AND g.tgtype & 16 > 0)"""


def test_nothing_is_left_to_commit():
    """A command is asked about all of it before its answer: at the end of the transaction, which the caller shapes, nothing is left
    that could refuse it."""
    assert ROOT.ask(LEFT_TO_COMMIT) == []
    ROOT.ask('BEGIN; CREATE CONSTRAINT TRIGGER more AFTER UPDATE ON app.contacts DEFERRABLE FOR EACH ROW EXECUTE FUNCTION sync.check_total()')
    assert 'more email' in [row[0] for row in ROOT.ask(LEFT_TO_COMMIT)]
    ROOT.ask('ROLLBACK')
    sales, rows = SERVER.device('sales'), priced(910, total_minor=890)
    whole, line = rows[0]['id'], rows[1]['id']
    sales.session.ask('BEGIN')
    applied(sales.push('import.chunk', *rows))
    applied(sales.push('order.edit', change('order_lines', line, 'update', sku=['A', 'B'])))
    applied(sales.push('order.edit', change('orders', whole, 'update', notes=['', 'B'])))
    refused(sales.push('order.edit', change('orders', whole, 'update', total_minor=[910, 911])), 'come to 890, its total says 911')
    refused(sales.push('order.edit', change('order_lines', line, 'update', quantity_milli=[4000, 1000])), 'comes to 225, not to 890')
    # the next one is asked at its own end again, and not between its changes
    applied(sales.push('order.edit', change('order_lines', line, 'update', total_minor=[890, 900]),
                       change('orders', whole, 'update', total_minor=[910, 900])))
    sales.session.ask('COMMIT')
    assert ROOT.value('SELECT total_minor FROM app.orders WHERE id = $1', whole) == '900'


def test_invoice_goes_with_its_order():
    """Whose an invoice is follows from its order."""
    def billed():
        of_order, whose = order()
        made = str(uuid.uuid4())
        applied(SERVER.device('accounting').push('invoice.create', insert('invoices', made, order_id=of_order, distributor_id=distributor(),
                                                                          amount_minor=1, currency='EUR')))
        return ROOT.value('SELECT distributor_id FROM app.invoices WHERE id = $1', made) == whose
    assert billed()
    with no_trigger('invoices', 'distributor'):
        assert not billed()


MINUTE = 60000


def clock(task, event, target='resolution'):
    """A line of the ledger of clocks."""
    return insert('sla_events', uuid.uuid4(), subject_type='task', subject_id=task, target=target, instance=1, event=event)


def started(policy='own:3600000', *more, **columns):
    """A task whose clock runs, made by accounting's device with times of long ago: it and the answer."""
    of_task = SERVER.task()
    exception_id, whose = ROOT.ask('SELECT exception_id, distributor_id FROM app.follow_up_tasks WHERE id = $1', of_task)[0]
    task = str(uuid.uuid4())
    return task, SERVER.device('accounting').push(
        'task.create', insert('follow_up_tasks', task, exception_id=exception_id, distributor_id=whose, assigned_agent=AGENT,
                              human_owner='accounting', status='scheduled', sla_policy=policy, **columns), clock(task, 'activate'), *more)


def running(*args, **columns):
    task, answer = started(*args, **columns)
    applied(answer)
    return task


def dates(task):
    """Minutes from the start of the clock to due, warning, hard and escalation."""
    return [value and (int(value) - int(start)) / MINUTE for start, *values in ROOT.ask(
        'SELECT min(e.at), t.sla_due_at, t.sla_warning_at, t.sla_hard_at, t.escalate_at FROM app.follow_up_tasks t JOIN app.sla_events e'
        ' ON e.subject_id = t.id WHERE t.id = $1 GROUP BY t.id', task) for value in values]


def stepped(command, task, status, *more, **columns):
    return SERVER.device('accounting').push(command, change('follow_up_tasks', task, 'update', status=status, **columns), *more)


@contextlib.contextmanager
def no_trigger(table, name):
    ROOT.ask(f'ALTER TABLE app.{table} DISABLE TRIGGER {name}')
    try:
        yield
    finally:
        ROOT.ask(f'ALTER TABLE app.{table} ENABLE TRIGGER {name}')


FORGED = {'sla_due_at': [None, 1], 'sla_warning_at': [None, 2], 'sla_hard_at': [None, 3], 'escalate_at': [None, 4]}


def test_dates_are_the_servers():
    """When a task falls due follows from when this server got it, whatever is said of that."""
    task = running(**{name: value for name, (_old, value) in FORGED.items()})
    assert dates(task) == [60, 45, 60, 60], dates(task)
    assert abs(int(ROOT.value('SELECT sla_due_at FROM app.follow_up_tasks WHERE id = $1', task)) - SERVER.now() - 60 * MINUTE) < 60 * MINUTE
    with no_trigger('sla_events', 'sla_events_dates'):
        assert dates(running()) == [None] * 4

    def rewritten(*names):
        made = running()
        applied(SERVER.device('accounting').push('task.create', change('follow_up_tasks', made, 'update', **{name: FORGED[name] for name in names})))
        return dates(made) == [60, 45, 60, 60]
    assert rewritten(*FORGED) and rewritten('sla_due_at') and rewritten('escalate_at')
    with no_trigger('follow_up_tasks', 'keep_dates'):
        assert not rewritten('sla_due_at')
    for wrong in 'own:59999', 'own:31622400001', 'own:9000000000000000000':
        SERVER.rule_holds(lambda wrong=wrong: started(wrong)[1], 'between a minute and a year', 'sync.keep_dates',
                          'own NOT BETWEEN 60000 AND 31622400000')


def test_dates_follow_policies():
    """Policy and calendar are those of this server at the time, also where the device knows older ones."""
    def put(table, name, **body):
        ROOT.ask(f"INSERT INTO app.{table} (id, name, body{', position' if table == 'sla_policies' else ''}) VALUES (gen_random_uuid(), $1,"
                 f" $2{', -1' if table == 'sla_policies' else ''}) ON CONFLICT (name) DO UPDATE SET body = excluded.body", name,
                 json.dumps({'id': name, 'name': name, **body}))
    put('sla_policies', 'quick', match={'rule': 'nobody'}, resolution={'target': '2h', 'hard': '3h'})
    task = running('quick', escalation_rule='after 150 min')
    assert dates(task) == [120, 90, 180, 150], dates(task)
    put('sla_policies', 'quick', match={'rule': 'nobody'}, calendar='daily', resolution={'target': '12h'})
    assert dates(task) == [120, 90, 180, 150]
    # a calendar that is not there: what can't be worked out stays
    applied(stepped('task.assign', task, ['scheduled', 'assigned']))
    assert dates(task) == [120, 90, 180, 150]
    put('calendars', 'daily', week={day: [['00:00', '12:00']] for day in ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')}, zone='Europe/Berlin')
    applied(stepped('task.schedule', task, ['assigned', 'scheduled']))
    assert 12 * 60 <= dates(task)[0] <= 24 * 60 + 60 and dates(task)[0] == dates(task)[2], dates(task)
    # one that is never open, or that nobody can read, is none
    before = dates(task)
    for status, week in zip((['scheduled', 'assigned'], ['assigned', 'scheduled']) * 2, ({}, {'mon': []}, {'mon': [['09:00', '09:00']]}, {'x': 1})):
        put('calendars', 'daily', week=week, zone='Europe/Berlin')
        applied(stepped(f"task.{'assign' if status[1] == 'assigned' else 'schedule'}", task, status))
        assert dates(task) == before, dates(task)
    # where it is gone: the first that matches, and else a day
    ROOT.ask("UPDATE app.sla_policies SET archived_at = 1")
    applied(stepped('task.assign', task, ['scheduled', 'assigned']))
    assert dates(task) == [1440, 1080, 1440, 150], dates(task)
    put('sla_policies', 'other', match={'rule': 'r', 'score': {'max': 1}}, resolution={'target': '5h'})
    applied(stepped('task.schedule', task, ['assigned', 'scheduled']))
    assert dates(task) == [300, 225, 300, 150], dates(task)
    ROOT.ask("UPDATE app.sla_policies SET archived_at = CASE name WHEN 'other' THEN 1 END")


def test_clocks_stand_and_end_with_their_tasks():
    """A clock stands, is answered and ends only with what it measures; nobody sets one back that runs."""
    def paused():
        """Another task than the one that is snoozed."""
        other = running()
        applied(stepped('task.snooze', running(), ['scheduled', 'snoozed'], clock(other, 'pause')))
        return dates(other)[0]
    assert round(paused()) == 60
    with SERVER.without('sync.set_dates', 'PERFORM sync.resume(t)', 'NULL'):
        assert paused() is None
    refused((lambda task: stepped('task.assign', task, ['scheduled', 'assigned'], clock(task, 'pause')))(running()), 'may not take sla_events.event')
    for event, target in ('fulfil', 'resolution'), ('fulfil', 'first_response'):
        def ended(event=event, target=target):
            return stepped('task.resolve', running(), ['scheduled', 'resolved'], clock(running(), event, target))
        SERVER.rule_holds(ended, 'does not take "fulfil"', 'sync.check_clock', "NEW.target = 'resolution' THEN t.status = 'resolved'", 'true THEN true')
    task = running()
    before = dates(task)
    applied(SERVER.device('accounting').push('task.create', clock(task, 'activate')))
    assert dates(task) == before

    def waits():
        """A task that waits for an answer."""
        made = running()
        ROOT.ask("UPDATE app.follow_up_tasks SET status = 'posted' WHERE id = $1", made)
        applied(SERVER.device('accounting').push('task.await_reply', clock(made, 'pause'),
                                                 change('follow_up_tasks', made, 'update', status=['posted', 'awaiting_reply'])))
        return made
    task = waits()
    assert dates(task) == [None, None, None, 60], dates(task)

    def goes_on():
        """It has no line that says so."""
        made = waits()
        applied(stepped('task.schedule', made, ['awaiting_reply', 'scheduled']))
        return dates(made)[0]
    assert goes_on() > 59.9
    with SERVER.without('sync.set_dates', 'PERFORM sync.resume(t)', 'NULL'):
        assert goes_on() is None
    applied(stepped('task.schedule', task, ['awaiting_reply', 'scheduled'], clock(task, 'resume')))
    assert [value > 59.9 for value in dates(task)] == [True, False, True, True], dates(task)


def events(task):
    """The ledger of a task as it is read, in order."""
    return [line[0] for line in json.loads(ROOT.value('SELECT sync.ledger_of($1)', task))]


def test_clock_set_back():
    """A ledger goes on where it was, also while this server's clock is behind it."""
    def set_back():
        """A task that waits for an answer since an hour from now, and its schedule."""
        made = running()
        ROOT.ask("UPDATE app.follow_up_tasks SET status = 'posted' WHERE id = $1", made)
        applied(SERVER.device('accounting').push('task.await_reply', clock(made, 'pause'),
                                                 change('follow_up_tasks', made, 'update', status=['posted', 'awaiting_reply'])))
        ROOT.ask("ALTER TABLE app.sla_events DISABLE TRIGGER stamp_row; UPDATE app.sla_events SET at = at + 3600000"
                 f" WHERE subject_id = '{made}' AND event = 'pause'; ALTER TABLE app.sla_events ENABLE TRIGGER stamp_row")
        applied(stepped('task.schedule', made, ['awaiting_reply', 'scheduled'], clock(made, 'resume')))
        return events(made)
    assert set_back() == ['activate', 'pause', 'resume']
    with no_trigger('sla_events', 'stay_in_order'):
        assert set_back()[-1] == 'pause'


def test_snoozed_by_another_setting():
    """Whether a snooze stands the clocks still is as set here: what a workstation wrote offline by another setting is taken, and the
    clock goes on; nothing that follows is refused."""
    accounting = SERVER.device('accounting')

    def snoozed(before='scheduled', *lines):
        """A task of that status whose snooze brings these lines: it, its ledger, whether it has a due date."""
        made = running()
        if before == 'awaiting_reply':
            ROOT.ask("UPDATE app.follow_up_tasks SET status = 'posted' WHERE id = $1", made)
            applied(accounting.push('task.await_reply', clock(made, 'pause'),
                                    change('follow_up_tasks', made, 'update', status=['posted', 'awaiting_reply'])))
        answer = accounting.push('task.snooze', *(clock(made, line) for line in lines),
                                 change('follow_up_tasks', made, 'update', status=[before, 'snoozed']))
        applied(answer)
        assert ROOT.value('SELECT count(DISTINCT tid) FROM (SELECT tid FROM audit.leaves WHERE ev_id = $1 UNION ALL SELECT e.tid FROM sync.entry e'
                          " JOIN app.sla_events s ON s.id = e.pk WHERE s.subject_id = $2 AND s.event = 'resume') x", answer['leaf'], made) == '1'
        return made, events(made), dates(made)[0] is not None
    task, ledger, runs = snoozed('scheduled', 'pause')
    assert ledger == ['activate', 'pause', 'resume'] and runs, ledger
    applied(stepped('task.wake', task, ['snoozed', 'scheduled'], clock(task, 'resume')))
    assert round(dates(task)[0]) == 60
    task, ledger, runs = snoozed('awaiting_reply')
    assert ledger == ['activate', 'pause', 'resume'] and runs, ledger
    ROOT.ask("INSERT INTO app.settings (id, key, value) VALUES (gen_random_uuid(), 'sla.snooze_pauses', 'true')")
    for before, lines in ('scheduled', ['pause']), ('awaiting_reply', []):
        task, ledger, runs = snoozed(before, *lines)
        assert ledger == ['activate', 'pause'] and not runs, ledger
    applied(stepped('task.wake', task, ['snoozed', 'scheduled'], clock(task, 'resume')))
    ROOT.ask("DELETE FROM app.settings WHERE key = 'sla.snooze_pauses'")


def test_escalated_once():
    """Whether a task is still to be escalated goes by its moves; an undo brings that back, and no other time."""
    task = running()
    applied(stepped('task.escalate', task, ['scheduled', 'escalated'], escalate_at=[1, 7]))
    accounting = SERVER.device('accounting')
    escalated = accounting.command
    assert dates(task) == [60, 45, 60, None], dates(task)
    applied(accounting.push('command.undo', change('follow_up_tasks', task, 'update', status=['escalated', 'scheduled'], escalate_at=[7, 1]),
                            undoes=escalated))
    assert dates(task) == [60, 45, 60, 60], dates(task)
    applied(stepped('task.escalate', task, ['scheduled', 'escalated']))
    applied(stepped('task.wake', task, ['escalated', 'scheduled'], escalate_at=[None, 9]))
    assert dates(task) == [60, 45, 60, None], dates(task)


def test_leaf_stays_with_its_rows():
    """Who makes constraints immediate does not part a command's leaf from its rows: they come in one transaction of the feed."""
    def parts():
        sales, made = SERVER.device('sales'), make_distributor()
        sales.session.ask('BEGIN; SET CONSTRAINTS ALL IMMEDIATE')
        answer = sales.push('distributor.create', made)
        sales.session.ask('COMMIT')
        applied(answer)
        return ROOT.value('SELECT count(DISTINCT tid) FROM (SELECT tid FROM audit.leaves WHERE ev_id = $1'
                          ' UNION ALL SELECT tid FROM sync.entry WHERE pk = $2) x', answer['leaf'], made['id'])
    assert parts() == '1'
    with SERVER.without('sync.current_tid', 'SET CONSTRAINTS sync.stamp DEFERRED;', ''):
        assert parts() == '2'


def test_undo_derives_nothing():
    """An undo gives derived values back as they were here; nothing that a device says there was, then or now."""
    def undone(before, **derived):
        accounting, task = SERVER.device('accounting'), SERVER.task()
        ROOT.ask("UPDATE app.follow_up_tasks SET status_before = 'scheduled' WHERE id = $1", task)
        applied(accounting.push('task.schedule', change('follow_up_tasks', task, 'update', status=['drafting', 'scheduled'],
                                                        status_before=[before, 'new'], sla_due_at=[None, 5])))
        applied(accounting.push('command.undo', change('follow_up_tasks', task, 'update', status=['scheduled', 'drafting'], **derived),
                                undoes=accounting.command))
        return ROOT.ask('SELECT status, status_before, sla_due_at, escalate_at FROM app.follow_up_tasks WHERE id = $1', task)[0]
    for before, derived in ('scheduled', {'status_before': ['new', 'scheduled'], 'sla_due_at': [5, None]}), \
            ('scheduled', {'sla_due_at': [5, 999]}), ('scheduled', {'escalate_at': [None, 999]}), \
            ('resolved', {'status_before': ['new', 'resolved']}):
        assert undone(before, **derived) == ('drafting', 'scheduled', None, None), (before, derived)


def barred(attempt, state, words, condition):
    """The whole call is refused and nothing stored; by that question, and by nothing else."""
    try:
        attempt()
    except Refused as problem:
        assert problem.state == state and words in problem.message, problem
    else:
        raise AssertionError(f'not refused: {words}')
    with SERVER.without('api.apply', condition):
        applied(attempt())


def test_time_is_not_held_back():
    """A command counts in the moment in which it is given: not in a statement that began long before."""
    barred(lambda: SERVER.device('sales').push('distributor.create', make_distributor(), after='pg_sleep(5.1)'), '40001', 'too late',
           "clock_timestamp() > statement_timestamp() + interval '5 seconds'")
    applied(SERVER.device('sales').push('distributor.create', make_distributor(), after='pg_sleep(0.1)'))


def test_no_old_snapshot():
    """A command does not run in a snapshot that was taken before."""
    for level in 'REPEATABLE READ', 'SERIALIZABLE':
        def within(level=level):
            session = SERVER.device('sales').session
            session.ask(f'BEGIN ISOLATION LEVEL {level}')
            try:
                answer = SERVER.device('sales').push('distributor.create', make_distributor())
                session.ask('COMMIT')
                return answer
            except Refused:
                session.ask('ROLLBACK')
                raise
        barred(within, 'CT004', 'read committed', "current_setting('transaction_isolation') <> 'read committed'")


def test_hints_go_on():
    """Nobody holds up the hints of all, or who connects, by staying in one of the functions that everybody calls."""
    first, second = SERVER.login('viewer'), SERVER.login('sales')
    second.ask("SET lock_timeout = '2s'")

    def held(function):
        """How the second one fares while the first one stays there."""
        applied(SERVER.device('sales').push('distributor.create', make_distributor()))
        ROOT.ask("UPDATE sync.announced SET at = '-infinity'; UPDATE sync.floor SET swept_at = NULL")
        first.ask(f'BEGIN; SELECT {function}()')
        try:
            return second.attempt(f'SELECT {function}()')[0]
        finally:
            first.ask('ROLLBACK')
    assert held('api.announce') is None and held('api.sweep') is None
    with SERVER.without('api.announce', 'PERFORM FROM sync.announced FOR UPDATE', 'NULL'):
        assert held('api.announce') == '55P03'
    with SERVER.without('api.sweep', 'FOR UPDATE SKIP LOCKED', ''):
        assert held('api.sweep') == '55P03'
    first.close()
    second.close()


def test_upload_is_not_held_off():
    """Nobody but who may upload holds an upload off by asking what became of one."""
    def begun():
        """What keeps the administrator's upload from beginning while a viewer asks and stays: its SQLSTATE, None for nothing."""
        viewer, admin = SERVER.device('viewer'), SERVER.device('admin')
        viewer.session.ask('BEGIN')
        try:
            viewer.session.ask('SELECT api.uploaded($1)', viewer.id)
        except Refused as problem:
            assert problem.state == '42501', problem
        try:
            return admin.session.attempt('SELECT api.upload_begin($1, 0, $2)', admin.id, '\\x' + '00' * 32)[0]
        finally:
            viewer.session.ask('ROLLBACK')
    assert begun() is None
    ROOT.ask('GRANT EXECUTE ON FUNCTION api.uploaded(uuid) TO tower_viewer')
    try:
        assert begun() == '55P03'
    finally:
        ROOT.ask('REVOKE EXECUTE ON FUNCTION api.uploaded(uuid) FROM tower_viewer')


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
