#!/usr/bin/python3
"""What people of a team ask of posts: the service takes a sent message back, and looks for one of unknown fate, and says how it
went. Nobody but the service has the channel's token."""
import json
import signal
import urllib.request

from central import POSTGRES
from service import Team, sql, wait_for
from tower import run_tests

WHY = 'the price is wrong'


class Asked(Team):
    """A team with a post that went out, or began to."""

    def __init__(self, database, fail=''):
        super().__init__(database)
        self.services[0].start()
        approval = self.draft()
        self.slack_fails(fail)
        self.approve(approval)
        wait_for(lambda: self.states().split(':')[0] in ('sent', 'unknown'))
        self.slack_fails('')
        self.lena.sync()
        self.post = self.lena.ok('posts', 'list')[0]['number']

    def messages(self):
        """What is there at the provider."""
        return json.loads(urllib.request.urlopen(self.slack.url + '/_messages', timeout=10).read())['messages']

    def calls(self, method):
        return [r for r in self.slack.requests() if r['path'] == '/api/' + method]

    def shown(self, person=None):
        person = person or self.lena
        assert person.sync()['inTray'] == 0, person.ok('attention', 'list')
        return person.ok('posts', 'show', self.post)[0]

    def ask_back(self, person=None):
        """Asked where the workspace is not in touch with the server; then it is."""
        done = (person or self.lena).run('posts', 'retract', self.post, '--comment', WHY)
        assert done.returncode == 0 and "service will take it back as soon as the server has this" in done.stderr, done.stderr
        assert done.json[0]['retractAskedAt'] and done.json[0]['retractComment'] == WHY and done.json[0]['state'] == 'sent', done.json
        assert (person or self.lena).sync()['inTray'] == 0

    def told(self, person):
        """What stands as the comment of each step of the post's story."""
        return {(event['action'], event.get('detail')) for event in person.ok('timeline', self.post)}

    def settled(self):
        assert all(s.status()['inTray'] == 0 for s in self.services if s.process)


def test_taken_back():
    """A person asks; the provider refuses, and everybody reads why; asked once more the message is gone, for all of them."""
    team = Asked('back')
    try:
        team.serve('robi').start()
        team.anna.sync()
        team.anna.fails(3, 'posts', 'retract', team.post, '--comment', 'it is not mine')
        team.lena.fails(2, 'posts', 'retract', team.post)
        team.slack_fails('not_in_channel@chat.delete:1')
        team.ask_back()
        wait_for(lambda: 'not a member' in team.states())
        for person in team.people:
            shown = team.shown(person)
            assert shown['state'] == 'sent' and 'invite it there' in shown['problem'] and shown['retractAskedAt'] is None, shown
        assert len(team.messages()) == 1 and len(team.calls('chat.delete')) == 1
        team.ask_back()
        wait_for(lambda: team.states() == f'retracted: {WHY}')
        assert not team.messages() and len(team.calls('chat.delete')) == 2 and not team.calls('chat.update')
        for person in team.people:
            shown = team.shown(person)
            assert shown['state'] == 'retracted' and shown['problem'] == WHY, shown
        assert WHY not in json.dumps(team.slack.requests()), 'why it is taken back is not for the channel'
        for person in team.people:
            wait_for(lambda of=person: of.sync() and {('post.retracting', WHY), ('post.retract', WHY)} <= team.told(of))
        story = [(e['action'], e['actor']) for e in team.lena.ok('timeline', team.post)]
        asked = [who for action, who in story if action == 'post.retracting']
        assert asked == ['lena', 'lena'] and set() < {who for action, who in story if action == 'post.retract'} <= {'robo', 'robi'}, story
        team.settled()
        wait_for(lambda: team.lena.sync() and team.lena.run('audit', 'verify', '--state').returncode == 0)
    finally:
        team.stop()


def test_replaced():
    """Where the provider does not let it be deleted, the words that stand in its place are the program's; all sending may be
    stopped meanwhile."""
    team = Asked('replaced')
    try:
        team.lena.ok('channel', 'stop-all')
        team.slack_fails('cant_delete_message@chat.delete')
        team.ask_back()
        wait_for(lambda: team.states() == f'retracted: {WHY}')
        assert [m['text'] for m in team.messages()] == ['This message was retracted.'], team.messages()
        assert WHY not in json.dumps(team.slack.requests())
    finally:
        team.stop()


def test_killed_while_taking_back():
    """Killed while the provider has taken it back and has not answered: the next instance asks once more, which does no harm."""
    team = Asked('killed')
    robo = team.services[0]
    try:
        team.slack_fails('hang@chat.delete:1')
        team.ask_back()
        wait_for(lambda: team.calls('chat.delete'))
        assert sql(team.database, 'SELECT fence, leased_until IS NULL FROM app.outbox') == '2|f', 'committed before the first byte'
        robo.stop(signal.SIGKILL)
        team.lease_is_over()
        team.serve('robi').start()
        wait_for(lambda: team.states() == f'retracted: {WHY}')
        robo.start()
        wait_for(lambda: robo.status()['pending'] == 0 and robo.status()['inTray'] == 0)
        assert not team.messages() and len(team.calls('chat.delete')) == 2, team.calls('chat.delete')
        assert team.shown()['state'] == 'retracted'
    finally:
        team.stop()


def test_not_sent_yet():
    """What has not gone out is stopped, without the provider."""
    team = Team('waits')
    try:
        team.services[0].start()
        team.ada.ok('config', 'set', 'delivery.undo_window', '1h')
        team.ada.sync()
        approval = team.draft()
        team.approve(approval)
        team.lena.sync()
        post = team.lena.ok('posts', 'list')[0]['number']
        done = team.lena.run('posts', 'retract', post, '--comment', WHY)
        assert done.returncode == 0 and 'it is stopped as soon as the server has this' in done.stderr, done.stderr
        assert team.lena.sync()['inTray'] == 0
        assert team.states().startswith('cancelled') and not team.posted(), team.states()
        assert len(team.lena.ok('approvals', 'list', '--state', 'pending')) == 1
    finally:
        team.stop()


def test_stopped_between_two_attempts():
    """What the service wrote down of an attempt that failed does not stand against who stops the message meanwhile."""
    team = Team('between')
    try:
        team.services[0].start()
        approval = team.draft()
        team.services[0].stop()
        team.approve(approval)
        team.lena.sync()
        post = team.lena.ok('posts', 'list')[0]
        assert post['state'] == 'ready' and not post['problem'], post
        team.slack.stop()
        team.services[0].start()
        wait_for(lambda: 'did not go out' in team.states())
        done = team.lena.run('posts', 'retract', post['number'], '--comment', WHY)
        assert done.returncode == 0, done.stderr
        assert team.lena.sync()['inTray'] == 0, team.lena.ok('attention', 'list')
        assert team.states().startswith('cancelled'), team.states()
    finally:
        team.stop()


def test_looked_for():
    """A post whose fate nobody knows is looked for when a person asks, who hears what came of it."""
    team = Asked('looked', 'drop')
    try:
        assert team.shown()['state'] == 'unknown'
        team.anna.sync()
        team.anna.fails(3, 'posts', 'resolve', team.post)
        done = team.lena.run('posts', 'resolve', team.post)
        assert done.returncode == 0 and 'will look for it as soon as the server has this' in done.stderr and done.json[0]['lookAskedAt'], done.stderr
        team.lena.sync()
        wait_for(lambda: 'not found there' in team.states())
        shown = team.shown()
        assert shown['state'] == 'unknown' and shown['lookAskedAt'] is None and 'not found there' in shown['problem'], shown
        assert not team.messages()
        # a person knows better; how, stands in the story, also before the server has heard of it
        team.lena.ok('posts', 'resolve', team.post, '--outcome', 'sent', '--comment', 'the customer showed it')
        said = ('post.resolve', 'the customer showed it')
        assert said in team.told(team.lena), team.told(team.lena)
        team.lena.sync()
        for person in team.lena, team.ada:
            wait_for(lambda of=person: of.sync() and said in team.told(of))
        assert team.shown()['state'] == 'sent'
        team.settled()
    finally:
        team.stop()


def main():
    try:
        run_tests([test_taken_back, test_replaced, test_killed_while_taking_back, test_not_sent_yet, test_stopped_between_two_attempts,
                   test_looked_for])
    finally:
        POSTGRES.stop()


main()
