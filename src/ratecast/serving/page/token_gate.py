"""Where the service asks for a token: whose ratings these are, and who may make a user."""

from nicegui import ui

from ratecast.serving.errors import Refusal
from ratecast.serving.page.layout import button, said, sentence
from ratecast.serving.page.session import Visitor

TOLD = (
    "This service keeps everybody's ratings apart. Give your number and your token; with the "
    "service's token and no number, a new user is made."
)


def gate(visitor: Visitor) -> bool:
    """Ask for a token where one is needed; whether it was needed."""
    if visitor.may_rate:
        return False
    with ui.element("section").classes("card narrow"):
        said("h1", "Who are you?")
        said("p", TOLD).classes("muted")
        user = ui.input("Your number").props("outlined stack-label autocomplete=username")
        token = ui.input("Token", password=True).props(
            "outlined stack-label autocomplete=current-password"
        )
        wrong = said("p", "").classes("alarm").props('role="alert"')

        async def enter() -> None:
            try:
                await _entered(visitor, str(user.value or "").strip(), str(token.value or ""))
            except Refusal as error:
                wrong.set_text(sentence(error))

        token.on("keydown.enter", enter)
        button("Go on", enter, quiet=False)
    return True


async def _entered(visitor: Visitor, number: str, token: str) -> None:
    visitor.house.spend(ui.context.client.ip)
    header, access = f"Bearer {token}", visitor.house.access
    if number:
        user = visitor.desk.live.loaded.user(number)
        access.check(header, user)
        await visitor.enter(user)
        ui.navigate.reload()
        return
    access.check(header)
    user = await visitor.desk.new_user()
    await visitor.enter(user)
    with ui.dialog().props("persistent") as dialog, ui.element("div").classes("sheet"):
        said("h2", f"You are user {user}")
        said("p", "Your token, which is shown only now; with it you come back from any browser:")
        said("code", access.user_token(user))
        button("I have it", ui.navigate.reload, quiet=False)
    dialog.open()
