"""The form for number and token, for a service with tokens."""

from nicegui import ui

from ratecast.serving.errors import RequestError
from ratecast.serving.page.layout import button, element, sentence
from ratecast.serving.page.session import Visitor

HELP = (
    "Enter your number and your token. To register a new user, enter the service's token without a "
    "number."
)


def gate(visitor: Visitor) -> bool:
    """Show the form if a token is needed; True if it is."""
    if visitor.may_rate:
        return False
    with ui.element("section").classes("card narrow"):
        element("h1", "Sign in")
        element("p", HELP).classes("muted")
        user = ui.input("Your number").props("outlined stack-label autocomplete=username")
        token = ui.input("Token", password=True).props(
            "outlined stack-label autocomplete=current-password"
        )
        message = element("p", "").classes("alarm").props('role="alert"')

        async def enter() -> None:
            try:
                await _sign_in(visitor, str(user.value or "").strip(), str(token.value or ""))
            except RequestError as error:
                message.set_text(sentence(error))

        token.on("keydown.enter", enter)
        button("Continue", enter, quiet=False)
    return True


async def _sign_in(visitor: Visitor, number: str, token: str) -> None:
    visitor.context.limit_rate(ui.context.client.ip)
    header, access = f"Bearer {token}", visitor.context.access
    if number:
        user = visitor.service.live.served.user(number)
        access.check(header, user)
        await visitor.sign_in(user)
        ui.navigate.reload()
        return
    access.check(header)
    user = await visitor.service.new_user()
    await visitor.sign_in(user)
    with ui.dialog().props("persistent") as dialog, ui.element("div").classes("sheet"):
        element("h2", f"You are user {user}")
        element(
            "p", "This is your token. It is shown only once. Use it to sign in from any browser:"
        )
        element("code", access.user_token(user))
        button("I saved it", ui.navigate.reload, quiet=False)
    dialog.open()
