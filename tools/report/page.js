// SPDX-License-Identifier: Apache-2.0
// The report's page. All that comes out of an image is put in as text, never as markup.
(function () {
	'use strict';

	var data = JSON.parse(document.getElementById('data').textContent);
	var images = data.images;
	var state = { image: images.length > 1 ? -1 : 0, tab: 'overview', query: '', group: 'folder', trail: [] };
	var main = document.getElementById('main');
	var UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
	var ROWS = 200;
	// Cells that are drawn within another one.
	var INNER = 60;

	// ---- small things

	function size(bytes) {
		var n = Math.abs(bytes), unit = 0;

		while (n >= 999.95 && unit < UNITS.length - 1) {
			n /= 1000;
			unit++;
		}
		return (bytes < 0 ? '-' : '') + (unit ? n.toFixed(1) : n) + ' ' + UNITS[unit];
	}

	function change(bytes) {
		return (bytes > 0 ? '+' : '') + size(bytes);
	}

	function count(n) {
		return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
	}

	// An element with a class, text or children.
	function make(tag, className, content) {
		var element = document.createElement(tag);

		if (className) {
			element.className = className;
		}
		[].concat(content === undefined ? [] : content).forEach(function (child) {
			element.appendChild(typeof child === 'object' ? child : document.createTextNode(String(child)));
		});
		return element;
	}

	function button(text, act, className) {
		var element = make('button', className, text);

		element.type = 'button';
		element.addEventListener('click', act);
		return element;
	}

	// Names as people read them: characters that steer or cannot be seen are shown by number.
	function shown(text) {
		return String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, function (c) {
			return '\\u' + ('000' + c.codePointAt(0).toString(16)).slice(-Math.max(4, c.codePointAt(0).toString(16).length));
		});
	}

	function matches() {
		var query = state.query.toLowerCase();

		return !query || [].some.call(arguments, function (text) {
			return String(text).toLowerCase().indexOf(query) >= 0;
		});
	}

	// ---- tables

	// columns: {title, key or get, type: number|bytes|change|text|path}
	function table(columns, rows, sort) {
		var body = make('tbody');
		var box = make('div', 'scroll');
		var more = make('p', 'more');
		var head = make('tr');
		var order = { column: sort ? sort.column : -1, down: sort ? sort.down : true };
		var limit = ROWS;

		function value(column, row) {
			return column.get ? column.get(row) : row[column.key];
		}

		function cell(column, row) {
			var v = value(column, row);
			var number = column.type === 'number' || column.type === 'bytes' || column.type === 'change';
			var text = v === null || v === undefined ? '' : column.type === 'bytes' ? size(v)
				: column.type === 'change' ? change(v) : column.type === 'number' ? count(v) : shown(v);
			var element = make('td', number ? 'number' : column.type || 'text', text);

			if (column.type === 'bytes' || column.type === 'change') {
				element.title = count(v) + ' bytes';
			}
			if (column.type === 'change' && v) {
				element.className += v > 0 ? ' grew' : ' less';
			}
			return element;
		}

		function compare(a, b) {
			var column = columns[order.column];
			var x = value(column, a), y = value(column, b);
			var r = typeof x === 'number' && typeof y === 'number' ? x - y
				: String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0;

			return order.down ? -r : r;
		}

		function fill() {
			var found = rows.filter(function (row) {
				return matches.apply(null, columns.map(function (column) {
					return value(column, row);
				}));
			});

			if (order.column >= 0) {
				found = found.map(function (row, i) {
					return [row, i];
				}).sort(function (a, b) {
					return compare(a[0], b[0]) || a[1] - b[1];
				}).map(function (pair) {
					return pair[0];
				});
			}
			body.textContent = '';
			found.slice(0, limit).forEach(function (row) {
				body.appendChild(make('tr', '', columns.map(function (column) {
					return cell(column, row);
				})));
			});
			more.textContent = '';
			if (found.length > limit) {
				more.appendChild(document.createTextNode(limit + ' of ' + count(found.length) + ' rows. '));
				more.appendChild(button('Show all', function () {
					limit = Infinity;
					fill();
				}));
			} else if (!found.length) {
				more.textContent = rows.length ? 'Nothing matches the search.' : 'None.';
			}
			[].forEach.call(head.children, function (th, i) {
				th.setAttribute('aria-sort', i !== order.column ? 'none' : order.down ? 'descending' : 'ascending');
				th.firstChild.textContent = columns[i].title + (i !== order.column ? '' : order.down ? ' ▾' : ' ▴');
			});
		}

		columns.forEach(function (column, i) {
			var number = column.type === 'number' || column.type === 'bytes' || column.type === 'change';
			var th = make('th', number ? 'number' : '', button(column.title, function () {
				order.down = order.column === i ? !order.down : number;
				order.column = i;
				fill();
			}));

			th.scope = 'col';
			head.appendChild(th);
		});
		fill();
		box.appendChild(make('table', '', [make('thead', '', head), body]));
		return make('div', 'table', [box, more]);
	}

	function section(title, content) {
		return make('section', '', [make('h2', '', title)].concat(content));
	}

	function cards(list) {
		return make('div', 'cards', list.map(function (card) {
			return make('div', 'card', [make('b', '', card[0]), make('span', '', card[1])]);
		}));
	}

	// ---- the treemap

	function groupNames(image, leaf) {
		var package_ = image.leaves.packages[leaf.package];
		var category = image.leaves.categories[leaf.category];

		if (state.group === 'package') {
			return [package_ || '(no package)'];
		}
		if (state.group === 'category') {
			return [leaf.cause ? '(wasted)' : category || '(none)'];
		}
		if (state.group === 'layer') {
			return ['layer ' + leaf.layer];
		}
		return leaf.cause ? ['(wasted)'] : [];
	}

	function leavesOf(image) {
		var l = image.leaves;

		if (!image.list) {
			image.list = l.path.map(function (path, i) {
				return { path: path, bytes: l.bytes[i], files: l.files[i], layer: l.layer[i], package: l.package[i],
					category: l.category[i], cause: l.cause[i] };
			});
		}
		return image.list;
	}

	// Nested {name, children: {}, bytes, leaf} of all leaves by what state.group says, then by folder.
	function buildTree(image) {
		var root = { name: '/', bytes: 0, files: 0, children: Object.create(null) };

		leavesOf(image).forEach(function (leaf) {
			var names = groupNames(image, leaf).concat(leaf.path.split('/').filter(Boolean));
			var node = root;

			node.bytes += leaf.bytes;
			node.files += leaf.files;
			names.forEach(function (name) {
				if (!node.children[name]) {
					node.children[name] = { name: name, bytes: 0, files: 0, children: Object.create(null), up: node };
				}
				node = node.children[name];
				node.bytes += leaf.bytes;
				node.files += leaf.files;
			});
			node.leaf = leaf;
			node.own = (node.own || 0) + leaf.bytes;
		});
		return root;
	}

	function childrenOf(node) {
		var list = Object.keys(node.children).map(function (name) {
			return node.children[name];
		});

		if (list.length && node.own) {
			list.push({ name: '(other files)', bytes: node.own, files: 0, children: Object.create(null), up: node, leaf: node.leaf });
		}
		return list.filter(function (child) {
			return child.bytes > 0;
		}).sort(function (a, b) {
			return b.bytes - a.bytes || (a.name < b.name ? -1 : 1);
		});
	}

	function findNode(root, trail) {
		var node = root;

		trail.every(function (name) {
			var next = node.children[name];

			node = next || node;
			return next;
		});
		return node;
	}

	function trailOf(node) {
		return node.up ? trailOf(node.up).concat(node.name) : [];
	}

	function holdsMatch(node) {
		return matches(node.name) || Object.keys(node.children).some(function (name) {
			return holdsMatch(node.children[name]);
		});
	}

	function color(index) {
		return d3.hsl((index * 47 + 200) % 360, 0.5, 0.72).toString();
	}

	// A node of the layout; its own children are laid out in it, the small ones as one that is not drawn.
	function layoutOf(node, depth) {
		var children = depth ? childrenOf(node) : [];
		var drawn = children.slice(0, depth === 2 ? children.length : INNER);
		var rest = children.slice(drawn.length).reduce(function (sum, child) {
			return sum + child.bytes;
		}, 0);

		if (!drawn.length) {
			return { node: node, value: node.bytes };
		}
		return { node: node, children: drawn.map(function (child) {
			return layoutOf(child, depth - 1);
		}).concat(rest ? { value: rest } : []) };
	}

	function drawCell(cell, color_) {
		var child = cell.node;
		var open = Object.keys(child.children).length > 0;
		var label = shown(child.name) + ', ' + size(child.bytes) + ', ' + count(child.files) + ' files';
		var element = button('', function () {
			if (open) {
				go(trailOf(child), true);
			}
		}, 'cell' + (open ? '' : ' leaf') + (cell.depth > 1 ? ' inner' : '')
			+ (state.query && holdsMatch(child) ? ' found' : ''));

		d3.select(element).style({ left: cell.x + 'px', top: cell.y + 'px', width: cell.dx + 'px', height: cell.dy + 'px',
			'background-color': color_ });
		element.setAttribute('aria-label', label + (open ? ', open' : ''));
		element.title = label;
		element.tabIndex = -1;
		if (cell.dx > 30 && cell.dy > 15) {
			element.appendChild(make('span', '', shown(child.name) + (cell.children ? ' ' + size(child.bytes) : '')));
			if (cell.dy > 32 && !cell.children) {
				element.appendChild(make('span', '', size(child.bytes)));
			}
		}
		return element;
	}

	function drawMap(box, crumbs, node) {
		var layout = d3.layout.treemap().size([box.clientWidth || 900, box.clientHeight || 500]).sort(function (a, b) {
			return a.value - b.value;
		}).padding(function (cell) {
			return cell.depth === 1 && cell.children ? [19, 2, 2, 2] : 0;
		});
		var colors = Object.create(null);

		box.textContent = '';
		layout.nodes(layoutOf(node, 2)).filter(function (cell) {
			return cell.depth > 0 && cell.node && cell.dx > 2 && cell.dy > 2;
		}).sort(function (a, b) {
			return a.depth - b.depth || b.node.bytes - a.node.bytes;
		}).forEach(function (cell, i) {
			var name = (cell.depth > 1 ? cell.parent : cell).node.name;

			colors[name] = colors[name] || color(i);
			box.appendChild(drawCell(cell, cell.depth > 1 ? d3.hsl(colors[name]).brighter(0.3 + 0.05 * (i % 5)).toString()
				: colors[name]));
		});
		if (box.firstChild) {
			box.firstChild.tabIndex = 0;
		}
		crumbs.textContent = '';
		[''].concat(trailOf(node)).forEach(function (name, i, all) {
			var trail = all.slice(1, i + 1);

			crumbs.appendChild(button(i ? shown(name) : 'All', function () {
				go(trail, true);
			}));
			crumbs.appendChild(document.createTextNode(i + 1 < all.length ? ' / ' : ' '));
		});
		crumbs.appendChild(make('span', '', size(node.bytes) + ' in ' + count(node.files) + ' files'));
	}

	var redraw = null;

	function go(trail, focus) {
		state.trail = trail;
		if (redraw) {
			redraw(focus);
		}
	}

	function moveFocus(box, step) {
		var all = [].slice.call(box.children);
		var at = all.indexOf(document.activeElement);
		var next = all[Math.max(0, Math.min(all.length - 1, at + step))];

		if (next) {
			all.forEach(function (cell) {
				cell.tabIndex = cell === next ? 0 : -1;
			});
			next.focus();
		}
	}

	function mapView(image) {
		var root = null;
		var box = make('div', 'map');
		var crumbs = make('div', 'crumbs');
		var groups = make('div', 'choice');

		box.setAttribute('role', 'group');
		box.setAttribute('aria-label', 'Treemap. Arrow keys move, Enter opens, Backspace goes up.');
		groups.setAttribute('role', 'group');
		groups.setAttribute('aria-label', 'Group by');
		['folder', 'package', 'category', 'layer'].forEach(function (name) {
			var element = button('by ' + name, function () {
				state.group = name;
				state.trail = [];
				show();
			});

			element.setAttribute('aria-pressed', String(state.group === name));
			element.id = 'by-' + name;
			groups.appendChild(element);
		});
		box.addEventListener('keydown', function (event) {
			var steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -1e6, End: 1e6 };

			if (steps[event.key]) {
				moveFocus(box, steps[event.key]);
				event.preventDefault();
			} else if (event.key === 'Backspace' || event.key === 'Escape') {
				go(state.trail.slice(0, -1), true);
				event.preventDefault();
			}
		});
		redraw = function (focus) {
			root = root || buildTree(image);
			drawMap(box, crumbs, findNode(root, state.trail));
			if (focus && box.firstChild) {
				box.firstChild.focus();
			}
		};
		setTimeout(redraw, 0);
		return [section('Where the bytes are', [groups, crumbs, box,
			make('p', 'more', 'All that is shipped; what is not visible any more is under "(wasted)".')])];
	}

	// ---- views of one image

	function layerBars(image) {
		var most = Math.max.apply(null, image.layers.map(function (layer) {
			return layer.bytes;
		}).concat(1));

		return make('div', 'bars', image.layers.map(function (layer) {
			var seen = make('i'), lost = make('i', 'waste');

			d3.select(seen).style('width', 100 * layer.visible_bytes / most + '%');
			d3.select(lost).style('width', 100 * layer.wasted_bytes / most + '%');
			return make('div', 'bar-row', [make('span', '', layer.layer), make('div', 'bar', [seen, lost]),
				make('span', '', size(layer.bytes)), make('small', '', shown(layer.instruction || layer.digest))]);
		}));
	}

	var LAYERS = [
		{ title: 'Layer', key: 'layer', type: 'number' },
		{ title: 'Size', key: 'bytes', type: 'bytes' },
		{ title: 'Wasted', key: 'wasted_bytes', type: 'bytes' },
		{ title: 'Allocated', key: 'allocated_bytes', type: 'bytes' },
		{ title: 'Stored', key: 'stored_bytes', type: 'bytes' },
		{ title: 'Files', key: 'files', type: 'number' },
		{ title: 'Created', key: 'created' },
		{ title: 'Instruction', key: 'instruction' }
	];
	var CATEGORIES = [
		{ title: 'Category', key: 'title' }, { title: 'Group', key: 'group' },
		{ title: 'Size', key: 'bytes', type: 'bytes' }, { title: 'Files', key: 'files', type: 'number' }
	];
	var PACKAGES = [
		{ title: 'Package', key: 'name' }, { title: 'Version', key: 'version' }, { title: 'Database', key: 'db' },
		{ title: 'Size', key: 'bytes', type: 'bytes' }, { title: 'Files', key: 'files', type: 'number' }
	];
	var FINDINGS = [
		{ title: 'Tool', key: 'detector' }, { title: 'What', key: 'title' }, { title: 'Tier', key: 'tier' },
		{ title: 'Path', key: 'path', type: 'path' }, { title: 'Layer', key: 'layer', type: 'number' },
		{ title: 'Verdict', get: function (row) {
			return row.visible ? 'runtime-visible' : 'shipped';
		} },
		{ title: 'Size', key: 'bytes', type: 'bytes' }
	];

	function warnings(image) {
		return image.complete ? [] : [make('div', 'warning', 'Not all of this image could be read, so nothing here proves that '
			+ 'something is missing: ' + image.incomplete_reasons.map(shown).join('; '))];
	}

	function overview(image) {
		var t = image.totals;

		return warnings(image).concat([
			cards([[size(t.bytes), 'shipped'], [size(t.visible_bytes), 'visible in the end'], [size(t.wasted_bytes), 'wasted'],
				[size(t.stored_bytes), 'stored in the file'], [count(t.visible_files), 'visible files'],
				[image.layers.length, 'layers']]),
			section('Layers', [make('p', 'key', [make('i'), ' visible ', make('i', 'waste'), ' wasted']), layerBars(image)]),
			section('Categories', table(CATEGORIES, image.categories, { column: 2, down: true }))
		]);
	}

	function waste(image) {
		return [
			section('By cause', table([{ title: 'Cause', key: 'cause' }, { title: 'Size', key: 'bytes', type: 'bytes' },
				{ title: 'Files', key: 'files', type: 'number' }], image.causes, { column: 1, down: true })),
			section('By instruction', table([{ title: 'Shipped by', key: 'layer', type: 'number' },
				{ title: 'Hidden by', key: 'hidden_by', type: 'number' }, { title: 'Cause', key: 'cause' },
				{ title: 'Size', key: 'bytes', type: 'bytes' }, { title: 'Files', key: 'files', type: 'number' },
				{ title: 'Instruction that hid it', key: 'instruction' }], image.waste_pairs, { column: 3, down: true })),
			section('Largest paths', table([{ title: 'Path', key: 'path', type: 'path' }, { title: 'Cause', key: 'cause' },
				{ title: 'Layer', key: 'layer', type: 'number' }, { title: 'Hidden by', key: 'hidden_by', type: 'number' },
				{ title: 'Size', key: 'bytes', type: 'bytes' }], image.waste_paths, { column: 4, down: true }))
		];
	}

	function packages(image) {
		return [
			section('Packages', table(PACKAGES, image.packages, { column: 3, down: true })),
			section('Owned by no package, by folder', table([{ title: 'Folder', key: 'path', type: 'path' },
				{ title: 'Size', key: 'bytes', type: 'bytes' }, { title: 'Files', key: 'files', type: 'number' }],
				image.unowned, { column: 1, down: true }))
		];
	}

	function advice(image) {
		var list = image.advice.filter(function (a) {
			return matches(a.title, a.action, a.instruction, a.paths.join(' '));
		});
		var sum = image.advice.reduce(function (total, a) {
			return total + a.saves_bytes;
		}, 0);

		return [section('What to do next', [make('p', '', size(sum) + ' of ' + size(image.totals.bytes)
			+ ' would be saved together; bytes that several pieces of advice concern count once.')].concat(
			list.map(function (a) {
				return make('div', 'advice', [make('h3', '', size(a.saves_bytes) + ': ' + a.title),
					make('p', 'more', (a.layer >= 0 ? 'Layer ' + a.layer + ': ' : 'Several layers. ') + shown(a.instruction)),
					make('pre', '', a.action),
					make('p', 'more', a.paths.map(shown).join(', '))]);
			})))];
	}

	function files(image) {
		return [section('Files', table([{ title: 'Path', key: 'path', type: 'path' },
			{ title: 'Size', key: 'bytes', type: 'bytes' }, { title: 'Files', key: 'files', type: 'number' },
			{ title: 'Layer', key: 'layer', type: 'number' },
			{ title: 'Package', get: function (leaf) {
				return image.leaves.packages[leaf.package] || '';
			} },
			{ title: 'Category', get: function (leaf) {
				return image.leaves.categories[leaf.category] || '';
			} },
			{ title: 'Wasted', get: function (leaf) {
				return image.leaves.causes[leaf.cause] || '';
			} }], leavesOf(image), { column: 1, down: true }))];
	}

	var TABS = {
		overview: ['Overview', overview],
		map: ['Treemap', mapView],
		layers: ['Layers', function (image) {
			return [layerBars(image), section('Layers', table(LAYERS, image.layers))];
		}],
		packages: ['Packages', packages],
		categories: ['Categories', function (image) {
			return [section('Categories', table(CATEGORIES, image.categories, { column: 2, down: true }))];
		}],
		waste: ['Waste', waste],
		tools: ['Tools', function (image) {
			return [section('Programs and secrets that an image may not need', table(FINDINGS, image.findings, { column: 6, down: true }))];
		}],
		advice: ['Advice', advice],
		files: ['Files', files]
	};

	// ---- views of two images

	var SIDES = [{ title: 'Change', key: 'change_bytes', type: 'change' }, { title: 'A', key: 'a_bytes', type: 'bytes' },
		{ title: 'B', key: 'b_bytes', type: 'bytes' }];

	function sums(title, key, rows) {
		return section(title, table([{ title: title, key: key }].concat(SIDES), rows, { column: 1, down: false }));
	}

	function compared() {
		var d = data.diff, a = images[0].totals, b = images[1].totals;

		function line(name, key) {
			return { what: name, a_bytes: a[key], b_bytes: b[key], change_bytes: b[key] - a[key] };
		}

		return warnings(images[0]).concat(warnings(images[1]), [
			cards([[change(b.bytes - a.bytes), 'shipped, B against A'], [size(a.bytes), 'A shipped'], [size(b.bytes), 'B shipped'],
				[images[0].layers.length + ' → ' + images[1].layers.length, 'layers'], [d.shared_layers, 'layers the same'],
				[count(d.differing), 'paths differ']]),
			section('Sizes', table([{ title: 'What', key: 'what' }].concat(SIDES), [line('shipped', 'bytes'),
				line('visible', 'visible_bytes'), line('wasted', 'wasted_bytes'), line('allocated', 'allocated_bytes'),
				line('stored in the file', 'stored_bytes')])),
			sums('Category', 'key', d.by_category),
			sums('Folder', 'key', d.by_folder)
		]);
	}

	var PAIR_TABS = {
		overview: ['Overview', compared],
		layers: ['Layers', function () {
			return [sums('Layer', 'key', data.diff.by_layer)];
		}],
		packages: ['Packages', function () {
			return [sums('Package', 'key', data.diff.by_package)];
		}],
		paths: ['Paths', function () {
			return [section('Largest changes', table([{ title: 'Path', key: 'path', type: 'path' },
				{ title: 'What', key: 'differs' }].concat(SIDES), data.diff.rows, { column: 2, down: false }))];
		}],
		tools: ['Tools', function () {
			return [section('Programs that one image alone has', table([{ title: 'In', key: 'side' }].concat(FINDINGS),
				data.diff.tools, { column: 7, down: true }))];
		}]
	};

	// ---- the page

	function tabs() {
		return state.image < 0 ? PAIR_TABS : TABS;
	}

	function show() {
		var all = tabs();
		var nav = document.getElementById('tabs');
		var choice = document.getElementById('images');

		if (!all[state.tab]) {
			state.tab = 'overview';
		}
		redraw = null;
		nav.textContent = '';
		Object.keys(all).forEach(function (name) {
			var tab = button(all[name][0], function () {
				state.tab = name;
				show();
				document.getElementById('tab-' + name).focus();
			});

			tab.setAttribute('role', 'tab');
			tab.id = 'tab-' + name;
			tab.setAttribute('aria-selected', String(state.tab === name));
			tab.setAttribute('aria-controls', 'main');
			tab.tabIndex = state.tab === name ? 0 : -1;
			nav.appendChild(tab);
		});
		choice.textContent = '';
		(images.length > 1 ? [-1, 0, 1] : []).forEach(function (i) {
			var element = button(['A and B', 'A', 'B'][i + 1], function () {
				state.image = i;
				state.trail = [];
				show();
			});

			element.setAttribute('aria-pressed', String(state.image === i));
			choice.appendChild(element);
		});
		main.textContent = '';
		all[state.tab][1](images[state.image]).forEach(function (element) {
			main.appendChild(element);
		});
	}

	function theme(name) {
		document.documentElement.setAttribute('data-theme', name);
		document.getElementById('theme').textContent = name === 'dark' ? 'Light' : 'Dark';
	}

	function start() {
		var search = document.getElementById('search');
		var names = images.map(function (image) {
			return shown(image.name);
		});
		var licences = document.getElementById('licence-text');

		document.title = 'peel report: ' + names.join(' and ');
		document.getElementById('title').textContent = names.length > 1 ? 'A: ' + names[0] + '   B: ' + names[1] : names[0];
		document.getElementById('subtitle').textContent = images.map(function (image) {
			return [image.image.kind, image.image.platform, image.image.config_digest].filter(Boolean).map(shown).join(', ');
		}).join(' · ');
		licences.textContent = 'This page holds D3.\n\n' + document.getElementById('d3-licence').textContent;
		document.getElementById('licences').addEventListener('click', function () {
			licences.hidden = !licences.hidden;
		});
		search.addEventListener('input', function () {
			state.query = search.value;
			show();
		});
		document.getElementById('tabs').addEventListener('keydown', function (event) {
			var list = Object.keys(tabs());
			var at = list.indexOf(state.tab) + (event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0);

			if (list[at] && list[at] !== state.tab) {
				state.tab = list[at];
				show();
				document.getElementById('tab-' + state.tab).focus();
			}
		});
		document.getElementById('theme').addEventListener('click', function () {
			theme(document.documentElement.getAttribute('data-theme') === 'dark' ? 'light' : 'dark');
		});
		window.addEventListener('resize', function () {
			if (redraw) {
				redraw();
			}
		});
		theme(window.matchMedia && window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
		show();
	}

	start();
}());
