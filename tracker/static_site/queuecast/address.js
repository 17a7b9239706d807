/* The address of a page keeps what its forms say, so that it can be sent to somebody:
   queuecast.address.keep(form, {also: "these"})

   Fields left empty are not in it, nor those that say their data-default. Other parts of the address
   stay. told(name) are the values it has. Load after charts.js. */
queuecast.address = (() => {
  "use strict";

  function fields(form) {
    return [...new FormData(form)].filter(([name, value]) => value !== form.elements[name].dataset?.default);
  }

  function keep(form, also = {}) {
    const address = new URL(location);
    const query = address.searchParams;
    const controls = [...form.elements].filter((control) => control.name);
    for (const name of [...controls.map((control) => control.name), ...Object.keys(also)]) query.delete(name);
    for (const [name, value] of [...fields(form), ...Object.entries(also)]) {
      if (value !== "") query.append(name, value);
    }
    history.replaceState(history.state, "", address);
  }

  function told(name) {
    return new URL(location).searchParams.getAll(name);
  }

  return { keep, told };
})();
