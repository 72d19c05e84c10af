#!/usr/bin/env bash
# Two machines as one Ray cluster: `two_machines.sh head` on the first, `two_machines.sh join
# HEAD_ADDRESS` on the second, `two_machines.sh end` on both afterwards. OWN_ADDRESS is the one by
# which the other machine reaches the first, where that has several.
# Both have the same Python, ray and ratecast, and the work folder under the same name.
set -euo pipefail

port=6379

case "${1:-}" in
  head)
    # The other machine needs this token: ray get-auth-token prints it.
    export RAY_AUTH_MODE=token
    ray get-auth-token --generate > /dev/null
    # Ray would take 127.0.0.1 where no way leads out of the network.
    own="${2:-$(hostname -I | cut -d' ' -f1)}"
    ray start --head --node-ip-address "$own" --port "$port" --disable-usage-stats
    echo "On the other machine, as the same user:"
    echo "  mkdir -p ~/.ray && cat > ~/.ray/auth_token   # then paste: ray get-auth-token"
    echo "  $0 join $own:$port"
    echo "Then here:"
    echo "  export RAY_AUTH_MODE=token"
    echo "  ratecast ... --on ray --address $own:$port"
    ;;
  join)
    export RAY_AUTH_MODE=token
    ray start --address "${2:?give the address of the head, as in 10.0.0.7:$port}" --disable-usage-stats
    ;;
  end)
    ray stop
    ;;
  *)
    echo "usage: $0 head [OWN_ADDRESS] | join HEAD_ADDRESS | end" >&2
    exit 2
    ;;
esac
