#!/usr/bin/python3
"""Everything that makes the server the boundary that it is, changed, one by one: each policy, row policy, grant, trigger, view
and function. towerctl server check names each of them. A kind of change is made to all objects of its kind at once, on a
copy of the database.

CT_MUTATIONS=all makes every kind of change to the objects, else each fourth."""
import copy
import json
import os
import subprocess

from guarded import SCHEMAS, Guarded
from libpq import Session
from tower import ROOT, TOWERCTL, run_tests

SERVER = Guarded('original')
with open(f'{ROOT}/schema/policy.json', encoding='utf-8') as whole:
    POLICY = {command: rule for command, rule in json.load(whole).items() if 'roles' in rule}
ROLES = ['viewer', 'sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent']
counted = {}


def check(database):
    done = subprocess.run([TOWERCTL, '--json', 'server', 'check', SERVER.url(database)], capture_output=True, text=True, check=False,
                          timeout=120)
    assert done.returncode in (0, 1) and done.stdout.startswith('['), done.stderr
    return json.loads(done.stdout)


def columns_in(rule):
    return [(table, writes) for table, writes in rule.get('writes', {}).items() if writes.get('update')]


def steps_in(rule):
    return [(writes, name) for _table, writes in rule.get('writes', {}).items() for name, value in writes.items()
            if name != 'update' and isinstance(value, list)]


# Each takes a copy of a command's rule and changes it; False where there is nothing to change.
def drop_role(rule):
    rule['roles'].pop()


def add_role(rule):
    rule['roles'].append(next((role for role in ROLES if role not in rule['roles']), 'owner'))


def change_condition(rule):
    rule['where'] = 'anybody'


def drop_condition(rule):
    return rule.pop('where', None) is not None


def drop_table(rule):
    return bool(rule.get('writes')) and rule['writes'].popitem() is not None


def add_table(rule):
    rule.setdefault('writes', {})['audit_logs'] = {'insert': True}


def drop_column(rule):
    return any(writes['update'].pop() for _table, writes in columns_in(rule)[:1])


def add_column(rule):
    return any(writes['update'].append('scopes') is None for _table, writes in columns_in(rule)[:1])


def drop_step(rule):
    return any(writes[name].pop() for writes, name in steps_in(rule)[:1])


def add_step(rule):
    return any(writes[name].append([None, 'paid']) is None for writes, name in steps_in(rule)[:1])


def forget_steps(rule):
    return any(writes.pop(name) for writes, name in steps_in(rule)[:1])


def let_delete(rule):
    return any(writes.update(delete=not writes.get('delete')) is None for writes in list(rule.get('writes', {}).values())[:1])


def let_insert(rule):
    return any(writes.update(insert=not writes.get('insert')) is None for writes in list(rule.get('writes', {}).values())[:1])


def let_undo(rule):
    return rule.update(undo=not rule.get('undo')) is None


POLICY_CHANGES = [drop_role, add_role, let_undo, change_condition, drop_condition, drop_table, add_table, drop_column, add_column, drop_step,
                  add_step, forget_steps, let_delete, let_insert]


def test_policies():
    """Each command's rule, changed in every way that it can be."""
    for mutate in POLICY_CHANGES:
        changed, document = set(), copy.deepcopy(POLICY)
        for command, rule in document.items():
            if mutate(rule) is not False and rule != POLICY[command]:
                changed.add(command)
        SERVER.root.ask('SELECT sync.load_policy($1)', json.dumps(document))
        named = {row['where'] for row in check('original') if row['check'] == 'policy-differs'}
        assert named == changed, f'{mutate.__name__}: {named ^ changed}'
        assert len(changed) > 5, mutate.__name__
        counted['policies'] = counted.get('policies', 0) + len(changed)
    SERVER.root.ask('SELECT sync.load_policy($1)', json.dumps(POLICY))
    for command in POLICY:
        SERVER.root.ask('UPDATE sync.policy SET command = command || $2 WHERE command = $1', command, 'x')
    found = [row['check'] for row in check('original')]
    assert (found.count('policy-missing'), found.count('policy-extra')) == (len(POLICY), len(POLICY))
    counted['policies'] += 2 * len(POLICY)
    SERVER.server('init')


def listed(sql):
    return [row[0] for row in SERVER.root.ask(sql)]


def functions(where='true'):
    return listed('SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN'
                  f" ('{chr(39).join([', '.join(SCHEMAS)]).replace(', ', chr(39) + ', ' + chr(39))}') AND p.prokind = 'f' AND {where}")


TABLES = 'SELECT name FROM sync.tables ORDER BY id'
# name, the objects, the statement, which check, and what it calls the object.
CHANGES = [
    ('row security off', TABLES, 'ALTER TABLE app.{0} DISABLE ROW LEVEL SECURITY', 'row-security', 'app.{0}'),
    ('policy dropped', TABLES, 'DROP POLICY seen ON app.{0}', 'row-policies', 'app.{0}: seen'),
    ('policy of true', TABLES, 'ALTER POLICY seen ON app.{0} USING (true)', 'row-policies', 'app.{0}: seen'),
    ('policy weakened', TABLES, 'ALTER POLICY seen ON app.{0} USING (scopes && (SELECT api.my_scopes()) OR id IS NULL)', 'row-policies',
     'app.{0}: seen'),
    ('policy for one role', TABLES, 'ALTER POLICY seen ON app.{0} TO tower_sales', 'row-policies', 'app.{0}: seen'),
    ('policy beside it', TABLES, 'CREATE POLICY more ON app.{0} FOR SELECT USING (false)', 'row-policies', 'app.{0}: more'),
    ('insert granted', TABLES, 'GRANT INSERT ON app.{0} TO tower_sales', 'wrong-grants', 'tower_sales: INSERT: app.{0}'),
    ('update of a column granted', TABLES, 'GRANT UPDATE (id) ON app.{0} TO tower_agent', 'wrong-grants',
     'tower_agent: UPDATE: app.{0}.id'),
    ('select for everybody', TABLES, 'GRANT SELECT ON api.{0} TO PUBLIC', 'public-privileges', 'PUBLIC: SELECT: api.{0}'),
    ('select revoked', TABLES, 'REVOKE SELECT ON app.{0} FROM tower_viewer', 'missing-grants', 'app.{0}'),
    ('view with its owner\'s rights', TABLES, 'ALTER VIEW api.{0} SET (security_invoker = false)', 'views', 'api.{0}'),
    ('view of nothing', TABLES, 'ALTER VIEW api.{0} RENAME TO {0}_gone; CREATE VIEW api.{0} WITH (security_invoker = true) AS'
     ' SELECT * FROM api.{0}_gone WHERE false; GRANT SELECT ON api.{0} TO tower_viewer', 'view-columns', 'api.{0}'),
    ('view with scopes', TABLES, 'DROP VIEW api.{0}; CREATE VIEW api.{0} WITH (security_invoker = true) AS SELECT * FROM app.{0}',
     'view-columns', 'api.{0}'),
    ('statistics kept', TABLES, 'ALTER TABLE app.{0} ALTER COLUMN created_at SET STATISTICS 10', 'statistics', 'app.{0}.created_at'),
    ('rule', TABLES, 'CREATE RULE quiet AS ON UPDATE TO app.{0} DO INSTEAD NOTHING', 'rewrite-rules', 'app.{0}: quiet'),
    ('owner', TABLES, 'ALTER TABLE app.{0} OWNER TO postgres', 'owners', 'app.{0}'),
    *((f'{trigger} {what}', TABLES, statement, rule, 'app.{0}: ' + trigger)
      for trigger in ('stamp_row', 'capture_insert', 'capture_update', 'capture_delete')
      for what, statement, rule in (('off', f'ALTER TABLE app.{{0}} DISABLE TRIGGER {trigger}', 'triggers-off'),
                                    ('dropped', f'DROP TRIGGER {trigger} ON app.{{0}}', 'triggers-missing'))),
    ('revision is data', TABLES, "UPDATE sync.columns SET kind = 'data' WHERE name = 'rev' AND tbl = (SELECT id FROM sync.tables"
     " WHERE name = '{0}')", 'columns', '{0}.rev: data'),
    ('data is nobody\'s', TABLES, "UPDATE sync.columns SET kind = 'rev' WHERE name = 'scopes' AND tbl = (SELECT id FROM sync.tables"
     " WHERE name = '{0}')", 'columns', '{0}.scopes: rev'),
    ('function of everybody', functions(), 'GRANT EXECUTE ON FUNCTION {0} TO PUBLIC', 'public-privileges', 'PUBLIC: EXECUTE: {0}'),
    ('inner function granted', functions("n.nspname <> 'api'"), 'GRANT EXECUTE ON FUNCTION {0} TO tower_admin', 'wrong-grants',
     'tower_admin: EXECUTE: {0}'),
    ('function of another role', functions("n.nspname = 'api' AND NOT has_function_privilege('tower_legal', p.oid, 'EXECUTE')"),
     'GRANT EXECUTE ON FUNCTION {0} TO tower_legal', 'function-grants', 'tower_legal: {0}'),
    ('function revoked', functions("n.nspname = 'api'"), 'REVOKE EXECUTE ON FUNCTION {0} FROM tower_viewer, tower_admin, tower_agent',
     'missing-grants', ': {0}'),
    ('search path', functions(), 'ALTER FUNCTION {0} RESET search_path', 'search-path', '{0}'),
    ('temp first', functions(), 'ALTER FUNCTION {0} SET search_path = pg_temp, pg_catalog', 'search-path', '{0}'),
    ('setting', functions(), "ALTER FUNCTION {0} SET work_mem = '1MB'", 'function-attributes', '{0}'),
    ('definer', functions('NOT p.prosecdef'), 'ALTER FUNCTION {0} SECURITY DEFINER', 'function-attributes', '{0}'),
    ('invoker', functions('p.prosecdef'), 'ALTER FUNCTION {0} SECURITY INVOKER', 'function-attributes', '{0}'),
    ('leakproof', functions(), 'ALTER FUNCTION {0} LEAKPROOF', 'function-attributes', '{0}'),
    ('strict', functions('NOT p.proisstrict'), 'ALTER FUNCTION {0} STRICT', 'function-attributes', '{0}'),
    ('immutable', functions("p.provolatile <> 'i'"), 'ALTER FUNCTION {0} IMMUTABLE', 'function-attributes', '{0}'),
    ('volatile', functions("p.provolatile <> 'v'"), 'ALTER FUNCTION {0} VOLATILE', 'function-attributes', '{0}'),
    ('body', functions(), "UPDATE pg_proc SET prosrc = replace(prosrc, ' ', '  ') WHERE oid = '{0}'::regprocedure", 'functions', '{0}'),
    ('function\'s owner', functions(), 'ALTER FUNCTION {0} OWNER TO postgres', 'owners', '{0}'),
    ('schema opened', "SELECT unnest(ARRAY['sync', 'audit'])", 'GRANT USAGE ON SCHEMA {0} TO tower_viewer', 'wrong-grants',
     'tower_viewer: USAGE: {0}'),
    ('inner table shown', "SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace IN"
     " ('sync'::regnamespace, 'audit'::regnamespace)", 'GRANT SELECT ON {0} TO tower_admin', 'wrong-grants', 'tower_admin: SELECT: {0}'),
    ('log no longer immutable', "SELECT unnest(ARRAY['audit.intents', 'audit.leaves'])", 'DROP TRIGGER immutable ON {0}',
     'triggers-missing', '{0}: immutable'),
]


def try_change(number, change):
    name, objects, statement, rule, where = change
    names = objects if isinstance(objects, list) else listed(objects)
    database = f'copy{number}'
    SERVER.psql('postgres', f'CREATE DATABASE {database} TEMPLATE original')
    session = Session(SERVER.url(database))
    for one in names:
        session.ask(statement.format(one))
    session.close()
    found = [row['where'] for row in check(database) if row['check'] == rule]
    missed = [one for one in names if not any(where.format(one) in place for place in found)]
    assert names and not missed, f'{name}: {rule} does not name {missed[:5]} (of {len(names)}) among {found[:5]}'
    counted['objects'] = counted.get('objects', 0) + len(names)
    SERVER.psql('postgres', f'DROP DATABASE {database}')


def test_objects():
    """Each object, changed in every way that would open or break the boundary."""
    lists = [(name, objects if isinstance(objects, list) else listed(objects), *rest) for name, objects, *rest in CHANGES]
    SERVER.root.close()
    problems = []
    for number, change in enumerate(lists[::1 if os.environ.get('CT_MUTATIONS') == 'all' else 4]):
        try:
            try_change(number, change)
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, '\n'.join(problems)
    print('# mutations, all noticed:', counted)


def main():
    try:
        # but for this test's own session
        assert [row['check'] for row in check('original')] == ['superuser-sessions'], check('original')
        run_tests([test_policies, test_objects])
    finally:
        SERVER.stop()


if __name__ == '__main__':
    main()
