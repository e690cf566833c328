"""A person at a browser: opens the sign-in page, fills in the form, follows the redirect."""

import threading
import webbrowser
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class SignInForm(HTMLParser):
    """The first form of a page: where it goes, and its fields with their given values."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.inside = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.inside = attributes.get("action") or "", True
        elif tag == "input" and self.inside and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


class Person(webbrowser.BaseBrowser):
    """Signs in with an e-mail address and a password whenever a page is opened."""

    def __init__(self, email, password, **session):
        super().__init__()
        self.email, self.password, self.session = email, password, session
        self.last = None

    def open(self, url, new=0, autoraise=True):
        # A browser is another process: it must not hold up the one that waits.
        threading.Thread(target=self.sign_in, args=(url,), daemon=True).start()
        return True

    def sign_in(self, url):
        with requests.Session() as session:
            session.trust_env = False
            for name, value in self.session.items():
                setattr(session, name, value)
            page = session.get(url)
            self.last = page
            if not page.ok or "<form" not in page.text:
                return
            form = SignInForm(page.text)
            assert {"email", "password"} <= form.fields.keys()
            filled = form.fields | {"email": self.email, "password": self.password}
            self.last = session.post(urljoin(page.url, form.action), data=filled)
