"""The page in a headless Chromium, as an analyst and an operator use it. Run by page.sh.

    page.py URL TOKEN ALERT_FILE BROKER RESTART_COMMAND

ALERT_FILE holds one alert as it stood on the topic; others are made of it. With HECATE_SHOTS set to
a directory, a picture of every view in both themes is left there; with HECATE_AXE set to axe-core's
axe.min.js, it looks at every view too.
"""
import copy
import json
import os
import subprocess
import sys
import time
import urllib.request

from browser import Browser, program

URL, TOKEN, ALERT_FILE, BROKER, RESTART = sys.argv[1:6]
ALERT = json.load(open(ALERT_FILE))
SHOTS = os.environ.get("HECATE_SHOTS")
AXE = os.environ.get("HECATE_AXE")
made = 0

HOSTILE = ["<img src=x onerror=window.xss=1>", "<script>window.xss=1</script>",
           "\"><svg onload=window.xss=1>", "javascript:window.xss=1", "'-window.xss=1-'",
           "</textarea><iframe src=javascript:parent.xss=1>", "{{constructor.constructor('xss=1')()}}",
           "\u202etxet desrever", "A" * 200, "<b>bold?</b>"]


def check(good, sentence):
    if not good:
        raise AssertionError(sentence)


def api(path, method="GET", body=None):
    request = urllib.request.Request(
        URL + "/api/v1" + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=20))


def make(number, **changes):
    alert = copy.deepcopy(ALERT)
    alert["alert_id"] = f"{number:08x}-7777-8777-8777-777777777777"
    alert["created_at_ms"] = int(time.time() * 1000)
    alert["event"]["event_id"] = f"made-{number}"
    alert["event"]["event_time_ms"] = int(time.time() * 1000)
    for entity in alert["entities"]:
        entity["token"] = f"{entity['token']}x{number}"
    alert.update(changes)
    return alert


def publish(alerts):
    text = "\n".join(json.dumps(a) for a in alerts) + "\n"
    subprocess.run(["kcat", "-P", "-b", BROKER, "-t", "alerts"], input=text.encode(), check=True)


def next_alert(**changes):
    global made
    made += 1
    return make(made, **changes)


def has(text):
    return f"document.body.innerText.includes({json.dumps(text)})"


def signed_in(page):
    page.open(URL + "/#token=" + TOKEN)
    page.wait("document.querySelectorAll('tr.row').length > 0")
    check(page.eval("location.href.includes('token')") is False, "the token stays in the address")


def live(page):
    """A row is there within a second of being on the topic. The median of five."""
    took = []
    for _ in range(5):
        alert = next_alert()
        publish([alert])
        begun = time.monotonic()
        page.wait(f"!!document.querySelector('tr[data-id=\"{alert['alert_id']}\"]')", 20)
        took.append(time.monotonic() - begun)
    took.sort()
    print(f"a live row comes after {took[2] * 1000:.0f} ms ({took[0] * 1000:.0f} .. {took[-1] * 1000:.0f})")
    check(took[0] < 1, f"a row took {took} s")


def work(page):
    page.press("j")
    page.wait("!!document.querySelector('#detail h2')")
    chosen = page.eval("document.querySelector('tr[aria-current]').dataset.id")
    check(page.eval("document.activeElement.closest('tr').dataset.id") == chosen, "the focus is elsewhere")
    check(page.eval(has(ALERT["reasons"][0]["text"])), "the reason is not shown")
    page.press("t")
    page.wait(has("Taken by"))
    check(api("/alerts/" + chosen)["state"] == "taken", "it was not taken")
    page.press("f")
    page.wait(has("Labelled fraud"))
    check(api("/alerts/" + chosen)["label"] == "fraud", "it was not labelled")
    page.press("j")
    page.wait(f"document.querySelector('tr[aria-current]').dataset.id != '{chosen}'")
    page.press("s")
    page.wait("document.getElementById('dialog').open")
    page.eval("document.getElementById('d-reason').value = ''; document.querySelector('#dialog form').requestSubmit()")
    check(page.eval("document.getElementById('dialog').open"), "a snooze without a reason is taken")
    page.eval("document.getElementById('d-reason').value = 'a test'; document.querySelector('#dialog form').requestSubmit()")
    page.wait(has("Snoozed."))
    check(len(api("/snoozes")["snoozes"]) == 1, "there is no snooze")


def feed(page):
    page.press("p")
    page.wait("document.getElementById('feed').getAttribute('aria-pressed') == 'true'")
    alert = next_alert()
    publish([alert])
    row = f"!!document.querySelector('tr[data-id=\"{alert['alert_id']}\"]')"
    page.wait("document.getElementById('feed').textContent.includes('waiting')")
    check(not page.eval(row), "a paused feed moves")
    page.press("p")
    page.wait(row)


def pause(page):
    page.press("5")
    page.wait(has("Partitions"))
    page.eval("[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('Pause reading')).click()")
    page.eval("document.getElementById('d-reason').value = 'a <b>test</b>'; document.querySelector('#dialog form').requestSubmit()")
    page.wait(has("a <b>test</b>"))
    page.wait("document.getElementById('state').textContent == 'PAUSED'")
    page.eval("[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('Resume')).click()")
    page.wait("document.getElementById('state').textContent == 'RUNNING'")


def refused(page):
    """A reload that is refused says why, with the place, and the page stays."""
    subprocess.run([RESTART, "break"], check=True)
    page.press("5")
    page.wait(has("Partitions"))
    page.complaints.clear()
    page.eval("[...document.querySelectorAll('button')].find(b => b.textContent == 'Reload settings').click()")
    page.wait(has("50-broken.conf:1"))
    check(page.eval(has("The settings are refused")), "the page does not say what came of it")
    subprocess.run([RESTART, "mend"], check=True)
    page.eval("[...document.querySelectorAll('button')].find(b => b.textContent == 'Reload settings').click()")
    page.wait(has("The settings are reloaded."))
    page.complaints[:] = [c for c in page.complaints if "422" not in c]
    page.press("1")
    page.wait("document.querySelectorAll('tr.row').length > 0")


def hostile(page):
    """Every text of an alert that could come from outside, with every text of the corpus."""
    alerts = []
    for text in HOSTILE:
        alert = next_alert()
        alert["event"].update(event_id=text + str(made), currency="X<b>", channel=text, mcc=text)
        alert["reasons"] = [dict(r, text=text, observed=text) for r in alert["reasons"]]
        alert["entities"] = [dict(e, token=text + str(made)) for e in alert["entities"]]
        alert["model"].update(name=text, version=text)
        alerts.append(alert)
    publish(alerts)
    page.press("1")
    for alert in alerts:
        page.wait(f"!!document.querySelector('tr[data-id=\"{alert['alert_id']}\"]')")
        page.eval(f"document.querySelector('tr[data-id=\"{alert['alert_id']}\"]').click()")
        page.wait(f"document.querySelector('#detail h2') && document.querySelector('#detail h2').textContent.includes('{alert['alert_id'][:8]}')")
        page.press("e")
        page.wait(has("Alerts that touch it"))
        page.press("1")
        page.wait("document.querySelectorAll('tr.row').length > 0")
    check(page.eval("typeof window.xss") == "undefined", "a hostile text ran")
    check(page.eval("document.querySelectorAll('img, svg, iframe, script[src], table b b').length") == 0,
          "a hostile text became an element")
    check(page.eval(has("<b>bold?</b>")), "a hostile text is not shown as it is")


CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length && (c[3] === undefined || c[3] > 0)) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.closest('script, .skip')) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(back(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2) + ' ' + e.textContent.slice(0, 30));
  }
  return bad;
})()"""

NAMES = """(() => {
  const bad = [];
  for (const e of document.querySelectorAll('button, a[href], input, select')) {
    if (!e.checkVisibility() || e.matches('.skip')) continue;
    const name = e.getAttribute('aria-label') || (e.labels && e.labels.length ? e.labels[0].textContent : '') || e.textContent;
    if (!name.trim()) bad.push(e.outerHTML.slice(0, 80));
    const box = e.getBoundingClientRect();
    if (box.height < 24) bad.push('below 24 px: ' + e.outerHTML.slice(0, 80) + ' ' + box.height);
  }
  for (const t of document.querySelectorAll('table')) if (!t.caption) bad.push('a table without caption');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push('twice: #' + id);
  return bad;
})()"""


AXE_RUN = """axe.run(document, { resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  .then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(' | ')))"""


def looks(page):
    """Each view in both themes: contrast, names, sizes, and no sideways scrolling at 360 px."""
    faults = []
    for theme in ("light", "dark"):
        if page.eval("document.getElementById('theme').textContent").lower() == theme:
            page.eval("document.getElementById('theme').click()")
        for width in (1280, 360):
            page.size(width, 900)
            for key, name in enumerate(("alerts", "entity", "snoozes", "model", "pipeline", "letters", "audit"), 1):
                page.press(str(key))
                page.wait(f"location.hash == '#{name}' && !{has('Loading…')}")
                if name == "alerts":
                    page.wait("document.querySelectorAll('tr.row').length > 0")
                    time.sleep(0.3)
                if SHOTS:
                    page.shoot(os.path.join(SHOTS, f"{name}-{theme}-{width}.png"))
                # A fresh row is marked by a colour that fades.
                page.wait("document.getAnimations().length == 0")
                questions = [("contrast", CONTRAST), ("names", NAMES)]
                if AXE:
                    page.eval("if (typeof axe != 'object') {" + open(AXE).read() + "\n} 0")
                    questions.append(("axe", AXE_RUN))
                for what, question in questions:
                    found = page.eval(question)
                    faults += [f"{name}, {theme}, {width} px: {what}: {one}" for one in found[:5]]
                check(page.eval("document.documentElement.scrollWidth <= innerWidth"),
                      f"{name} scrolls sideways at {width} px: {page.eval('document.documentElement.scrollWidth')}")
    check(not faults, "\n".join(faults))
    page.size(1280, 900)
    page.press("1")
    page.wait("document.querySelectorAll('tr.row').length > 0")


def flood(page):
    """Ten thousand alerts: the list stays short, and the page answers. Frame times are told."""
    global made
    page.eval("""window.frames_ms = []; window.last_ms = performance.now();
        (function beat() { const now = performance.now(); window.frames_ms.push(now - window.last_ms); window.last_ms = now; requestAnimationFrame(beat); })(); 0""")
    publish([next_alert() for _ in range(10000)])
    last = f"{made:08x}-7777-8777-8777-777777777777"
    page.wait(f"!!document.querySelector('tr[data-id=\"{last}\"]')", 90)
    check(page.eval("document.querySelectorAll('tr.row').length") <= 100, "the list grows without bound")
    frames = sorted(page.eval("window.frames_ms"))
    print(f"10 000 alerts: {len(frames)} frames, p50 {frames[len(frames) // 2]:.0f} ms, "
          f"p99 {frames[len(frames) * 99 // 100]:.0f} ms, longest {frames[-1]:.0f} ms")


def comes_back(page):
    subprocess.run([RESTART, "stop"], check=True)
    page.wait(has("retrying"), 30)
    if SHOTS:
        page.shoot(os.path.join(SHOTS, "disconnected.png"))
    page.complaints.clear()  # of the network, while nobody was there
    subprocess.run([RESTART, "start"], check=True)
    page.wait("!" + has("retrying"), 60)
    alert = next_alert()
    publish([alert])
    page.wait(f"!!document.querySelector('tr[data-id=\"{alert['alert_id']}\"]')", 30)


def main():
    if program() is None:
        print("skipped: there is no chromium")
        sys.exit(77)
    with Browser() as page:
        page.size(1280, 900)
        page.open(URL + "/")
        page.wait("!!document.body && " + has("Sign in"))
        signed_in(page)
        for step in (live, work, feed, pause, refused, hostile, looks, flood, comes_back):
            step(page)
            print(f"{step.__name__}: good", flush=True)
        complaints = [c for c in page.complaints if "ERR_CONNECTION_REFUSED" not in c and "ERR_INCOMPLETE" not in c]
        check(not complaints, f"the page complained: {complaints[:5]}")


main()
