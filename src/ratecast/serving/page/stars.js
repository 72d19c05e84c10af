// Stars to give, as a group of radio buttons. A click gives them at once; with arrow keys they are
// chosen first, and given by Enter, by Space, or by going on: else five stars would be five ratings.
import { h } from "vue";

const PATH =
  "M12 2.6l2.9 5.9 6.5.9-4.7 4.6 1.1 6.5-5.8-3.1-5.8 3.1 1.1-6.5L2.6 9.4l6.5-.9z";

export default {
  props: { values: Array, given: Number, label: String, name: String },
  emits: ["rate"],
  data() {
    return { chosen: this.given ?? null, pointed: null, keyed: false };
  },
  watch: {
    given(value) {
      this.chosen = value ?? null;
    },
  },
  computed: {
    pending() {
      return this.chosen !== null && this.chosen !== (this.given ?? null);
    },
    halves() {
      return this.values.some((value) => value % 1 !== 0);
    },
  },
  methods: {
    choose(value) {
      this.chosen = value;
      if (!this.keyed) this.give();
    },
    give() {
      this.keyed = false;
      if (this.pending) this.$emit("rate", this.chosen);
    },
    key(event) {
      if (event.key.startsWith("Arrow")) this.keyed = true;
      else if (event.key === "Escape") {
        this.keyed = false;
        this.chosen = this.given ?? null;
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.chosen = Number(event.target.value);
        this.give();
      }
    },
    leave(event) {
      if (this.keyed && !this.$el.contains(event.relatedTarget)) this.give();
    },
    star(value) {
      const shown = this.pointed ?? this.chosen ?? -Infinity;
      const half = this.halves ? (value % 1 ? " left" : " right") : "";
      const words = `${value} ${value === 1 ? "star" : "stars"}`;
      const input = {
        type: "radio",
        name: this.name,
        value,
        checked: value === this.chosen,
        "aria-label": words,
        onChange: () => this.choose(value),
      };
      const label = {
        class: "star" + half + (value <= shown ? " on" : ""),
        title: words,
        onPointerenter: (event) => {
          if (event.pointerType === "mouse") this.pointed = value;
        },
      };
      const drawn = h("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, [h("path", { d: PATH })]);
      return h("label", label, [h("input", input), drawn]);
    },
    // A rating of a continuous scale may lie between two values.
    nearest(rating) {
      const away = this.values.map((value) => Math.abs(value - rating));
      return away.indexOf(Math.min(...away));
    },
    range() {
      const values = this.values;
      const slide = (event) => (this.chosen = values[Number(event.target.value)]);
      const input = {
        type: "range",
        min: 0,
        max: values.length - 1,
        value: this.chosen === null ? Math.floor(values.length / 2) : this.nearest(this.chosen),
        "aria-label": this.label,
        "aria-valuetext": this.chosen === null ? "not rated" : `${this.chosen} stars`,
        onInput: slide,
        onChange: () => this.keyed || this.give(),
      };
      return [h("input", input), h("output", this.chosen ?? "–")];
    },
  },
  render() {
    const hint = this.keyed && this.pending ? `Enter gives ${this.chosen}` : "";
    const listeners = { onKeydown: this.key, onFocusout: this.leave };
    if (this.values.length > 12) {
      listeners.onKeydown = (event) => {
        if (event.key === "Enter") this.give();
        else if (event.key !== "Tab") this.keyed = true;
      };
      return h("div", { class: "stars wide", ...listeners }, [...this.range(), h("small", hint)]);
    }
    const group = {
      class: "stars-group",
      role: "radiogroup",
      "aria-label": this.label,
      onPointerleave: () => (this.pointed = null),
    };
    return h("div", { class: "stars", ...listeners }, [
      h("div", group, this.values.map(this.star)),
      h("small", { class: "hint", "aria-live": "polite" }, hint),
    ]);
  },
};
